import type { CentrePlace } from './enrolment.ts';

/** `forward` of a gateway's configuration, beside whose file the others of its folder are. */
export function snippetOf(gateway: string, { host, mqttPort, udpPort }: CentrePlace): string {
  const name = host.includes(':') ? `[${host}]` : host;
  return `# For the configuration of ${gateway}; put the other files of this folder beside it, readable by its user only.
forward:
  centre:
    mqtt:
      url: mqtts://${name}:${mqttPort}
      ca: ca.pem
      cert: ${gateway}.pem
      key: ${gateway}.key
      # For a Mosquitto; the embedded broker knows it by its certificate and takes no notice.
      user: ${gateway}
      password: ${gateway}.password
  # Over UDP, in its place or beside it:
  # centre-udp:
  #   udp: { host: ${JSON.stringify(host)}, port: ${udpPort}, key: ${gateway}.udp.key }
`;
}
