import { parseTopic, TOPIC_PREFIX, topicOf } from '../../protocol/topics.ts';

/** Who is at the other end: a gateway by its certificate, or somebody on this machine (undefined). */
export type Peer = string | undefined;

export interface Publication {
  readonly topic: string;
  readonly retain: boolean;
  readonly payloadBytes: number;
}

/** A birth or a last will is a line of status, kept in memory for every gateway. */
const STATE_BYTES_MAX = 1024;

/** Why a client may not publish this, or undefined. A gateway writes its own `/batch` and `/state`; nobody writes `/ack`. */
export function publishFault(peer: Peer, { topic, retain, payloadBytes }: Publication): string | undefined {
  const parsed = parseTopic(topic);
  if (parsed === undefined) return 'the topic is none of ours';
  if (parsed.channel === 'ack') return 'only the centre writes acks';
  if (peer !== undefined && parsed.gateway !== peer) return 'the topic is another gateway’s';
  if (parsed.channel === 'batch' && retain) return 'a batch is not to be retained';
  if (parsed.channel === 'state' && payloadBytes > STATE_BYTES_MAX) return 'the state is too large';
  return undefined;
}

/** Why a client may not subscribe to this, or undefined. A gateway reads its own `/ack`. */
export function subscribeFault(peer: Peer, filter: string): string | undefined {
  if (peer === undefined) {
    return filter.startsWith(`${TOPIC_PREFIX}/`) ? undefined : 'the topic is none of ours';
  }
  return filter === topicOf(peer, 'ack') ? undefined : 'a gateway reads its own acks only';
}
