# In the place of prom/prometheus and prom/alertmanager: Debian's, with the folders, commands and the wget of those images.
FROM localhost/mooring-debian
RUN apt-get update && apt-get install -y --no-install-recommends prometheus prometheus-alertmanager busybox \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin && ln -s /usr/bin/busybox /usr/bin/wget \
 && ln -s /usr/bin/prometheus-alertmanager /bin/alertmanager && install -d -o 65534 -g 65534 /prometheus /alertmanager
ENTRYPOINT ["/usr/bin/prometheus"]
