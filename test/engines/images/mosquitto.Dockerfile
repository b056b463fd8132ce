# In the place of eclipse-mosquitto: Debian's, with that image's user, folder and command.
FROM localhost/mooring-debian
RUN apt-get update && apt-get install -y --no-install-recommends mosquitto mosquitto-clients \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin && install -d -o 1883 -g 1883 /mosquitto/data /mosquitto/log
VOLUME ["/mosquitto/data", "/mosquitto/log"]
CMD ["/usr/sbin/mosquitto", "-c", "/mosquitto/config/mosquitto.conf"]
