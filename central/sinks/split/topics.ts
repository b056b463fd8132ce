import { MooringError } from '../../../runtime/errors.ts';
import type { KafkaAdmin, TopicDescription } from '../../recordlog/kafka/client.ts';

/** What both topics have to be. */
export interface SplitTopicsSpec {
  /** Name of the sink, for errors. */
  readonly store: string;
  /** Of a topic that is made here. */
  readonly partitions: number;
  readonly replication: number;
  /** For the command that a hint gives. */
  readonly brokers: readonly string[];
}

export interface SplitTopic {
  readonly partitions: number;
  /** Bytes of the largest batch of messages that it takes. */
  readonly bytesMax: number;
}

/** A record whose keys are renamed is a little longer than the largest that the log takes. */
const MESSAGE_BYTES_MAX = 2_097_152;
/** With fewer replicas a message is durable by a sync of the disk, with more by a second copy. */
const REPLICAS_MANY = 3;

/**
 * Makes the topic where it is not there, and checks it. Rejects with `SINK_UNFIT` where it would not keep each key, and
 * as the admin does.
 */
export async function openSplitTopic(admin: KafkaAdmin, name: string, spec: SplitTopicsSpec): Promise<SplitTopic> {
  let topic = await admin.describeTopic(name);
  if (topic === undefined) {
    const { partitions, replication } = spec;
    const settings = {
      ...wantedOf(replication),
      'unclean.leader.election.enable': 'false',
      'max.message.bytes': String(MESSAGE_BYTES_MAX),
    };
    await admin.createTopic({ name, partitions, replication, settings });
    topic = await admin.describeTopic(name);
  }
  if (topic === undefined) {
    throw new MooringError('SINK_FAILED', 'a topic that was made is not there yet', { context: { topic: name } });
  }
  check(topic, name, spec);
  return { partitions: topic.partitions, bytesMax: Number(topic.settings['max.message.bytes'] ?? MESSAGE_BYTES_MAX) };
}

function wantedOf(replication: number): Readonly<Record<string, string>> {
  return {
    'cleanup.policy': 'compact',
    ...(replication < REPLICAS_MANY ? { 'flush.messages': '1' } : { 'min.insync.replicas': '2' }),
    ...(replication > 1 ? { 'unclean.leader.election.enable': 'false' } : {}),
  };
}

function check(topic: TopicDescription, name: string, { store, replication, brokers }: SplitTopicsSpec): void {
  const context = { store, topic: name };
  const sentence = `the topic ${name} is not fit for split records`;
  if (topic.replication < replication) {
    const found = String(topic.replication);
    throw new MooringError('SINK_UNFIT', `${sentence}: replication is ${found}, wanted is ${replication}`, {
      context: { ...context, setting: 'replication', found, wanted: String(replication) },
      hint: 'Give it more replicas with kafka-reassign-partitions.sh, or name another topic.',
    });
  }
  for (const [setting, wanted] of Object.entries(wantedOf(topic.replication))) {
    const found = topic.settings[setting] ?? 'not told';
    if (found === wanted || (setting === 'min.insync.replicas' && Number(found) >= Number(wanted))) continue;
    throw new MooringError('SINK_UNFIT', `${sentence}: ${setting} is ${found}, wanted is ${wanted}`, {
      context: { ...context, setting, found, wanted },
      hint: `kafka-configs.sh --bootstrap-server ${brokers.join(',')} --alter --entity-type topics --entity-name ${name} --add-config ${setting}=${wanted}`,
    });
  }
}
