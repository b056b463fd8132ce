import { NAME_PATTERN } from './record.ts';

/** What a gateway and the centre say to each other over MQTT, one topic each per gateway. */
export type GatewayChannel = 'batch' | 'ack' | 'state';

/** What every topic of ours begins with. */
export const TOPIC_PREFIX = 'mooring/1';

/** `mooring/1/<gateway>/<channel>`. */
export function topicOf(gateway: string, channel: GatewayChannel): string {
  return `${TOPIC_PREFIX}/${gateway}/${channel}`;
}

/** The filter that matches one channel of every gateway. */
export function topicFilterOf(channel: GatewayChannel): string {
  return `${TOPIC_PREFIX}/+/${channel}`;
}

/** Whose channel a topic is, or undefined where it is none of ours. */
export function parseTopic(topic: string): { readonly gateway: string; readonly channel: GatewayChannel } | undefined {
  const [name, version, gateway, channel, ...rest] = topic.split('/');
  if (`${name}/${version}` !== TOPIC_PREFIX || gateway === undefined || rest.length > 0) return undefined;
  if (channel !== 'batch' && channel !== 'ack' && channel !== 'state') return undefined;
  return NAME_PATTERN.test(gateway) ? { gateway, channel } : undefined;
}
