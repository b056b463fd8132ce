# In the place of apache/kafka: its jars, as Maven has them, Debian's Java, and that image's user and folders. Its scripts are in
# no package: these call the same programs.
FROM localhost/mooring-debian
RUN mkdir -p /usr/share/man/man1 && apt-get update \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends openjdk-17-jre-headless \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin && install -d -o 1000 -g 1000 /var/lib/kafka/data /opt/kafka/logs
COPY lib /opt/kafka/libs
RUN mkdir /opt/kafka/bin /opt/kafka/config && cd /opt/kafka/bin \
 && for each in kafka-storage:kafka.tools.StorageTool kafka-server-start:kafka.Kafka \
    kafka-broker-api-versions:org.apache.kafka.tools.BrokerApiVersionsCommand; do \
      printf '#!/bin/sh\nexec java -Xmx384m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -cp "/opt/kafka/libs/*" %s "$@"\n' "${each#*:}" > "${each%%:*}.sh"; \
    done && chmod 755 *.sh
USER 1000
VOLUME ["/var/lib/kafka/data"]
