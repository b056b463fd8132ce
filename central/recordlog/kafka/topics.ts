import { MooringError } from '../../../runtime/errors.ts';
import type { KafkaAdmin, NewTopic, TopicDescription } from './client.ts';

export interface TopicNames {
  readonly records: string;
  readonly acks: string;
  readonly deadLetter: string;
}

/** What the topics have to be. */
export interface TopicsSpec {
  readonly names: TopicNames;
  readonly partitions: number;
  readonly replication: number;
  readonly retentionMs: number;
  /** For the commands that a hint gives. */
  readonly brokers: readonly string[];
}

/** What the topics are. */
export interface OpenTopics {
  /** Topic → bytes of the largest batch of records that it takes (`max.message.bytes`). */
  readonly messageBytesMax: ReadonlyMap<string, number>;
}

/** Kafka's own default, by name: a cluster may have less as its default. */
const MESSAGE_BYTES_MAX = 1_048_588;
/** A letter has a whole record in it, or a message that was too large for its own topic. */
const DEAD_LETTER_BYTES_MAX = 4_194_304;
/** With fewer replicas a record is durable by a sync of the disk, with more by a second copy. */
const REPLICAS_MANY = 3;

export function topicNamesOf(prefix: string): TopicNames {
  return { records: `${prefix}.records`, acks: `${prefix}.acks`, deadLetter: `${prefix}.deadletter` };
}

/**
 * Makes the topics that are absent and checks the others.
 * Rejects with `LOG_UNFIT` when one keeps less than it should, `LOG_CHANGED` when one of the `known` is not there any
 * more, and as the admin does.
 * @param known topics that have been there: an absent one of these is never made anew
 */
export async function openTopics(
  admin: KafkaAdmin,
  spec: TopicsSpec,
  known: ReadonlySet<string> = new Set(),
): Promise<OpenTopics> {
  const { records, acks, deadLetter } = spec.names;
  const messageBytesMax = new Map<string, number>();
  const weaknesses: Weakness[] = [];
  for (const name of [records, acks, deadLetter]) {
    const topic = (await admin.describeTopic(name)) ?? (await made(admin, spec, name, known));
    messageBytesMax.set(name, Number(topic.settings['max.message.bytes'] ?? MESSAGE_BYTES_MAX));
    weaknesses.push(...weaknessesOf(name, topic, spec));
  }
  if (weaknesses.length > 0) throw unfit(weaknesses, spec);
  return { messageBytesMax };
}

async function made(
  admin: KafkaAdmin,
  spec: TopicsSpec,
  name: string,
  known: ReadonlySet<string>,
): Promise<TopicDescription> {
  if (known.has(name)) {
    throw new MooringError('LOG_CHANGED', 'a topic of the log has been deleted', { context: { topic: name } });
  }
  await admin.createTopic(newTopic(name, spec));
  const topic = await admin.describeTopic(name);
  if (topic !== undefined) return topic;
  throw new MooringError('LOG_FAILED', 'a topic that was made is not there yet', { context: { topic: name } });
}

function newTopic(name: string, { names, partitions, replication, retentionMs }: TopicsSpec): NewTopic {
  return {
    name,
    partitions,
    replication,
    settings: {
      // Event time in its place makes a broker delete a backlog, and refuse a clock that is fast.
      'message.timestamp.type': 'LogAppendTime',
      'cleanup.policy': 'delete',
      'retention.ms': String(retentionMs),
      'retention.bytes': '-1',
      'unclean.leader.election.enable': 'false',
      'max.message.bytes': String(messageBytesOf(name, names)),
      ...(replication < REPLICAS_MANY ? { 'flush.messages': '1' } : { 'min.insync.replicas': '2' }),
    },
  };
}

function messageBytesOf(name: string, { deadLetter }: TopicNames): number {
  return name === deadLetter ? DEAD_LETTER_BYTES_MAX : MESSAGE_BYTES_MAX;
}

interface Weakness {
  readonly topic: string;
  readonly setting: string;
  readonly found: string;
  readonly wanted: string;
}

function weaknessesOf(name: string, topic: TopicDescription, spec: TopicsSpec): Weakness[] {
  const found: Weakness[] = [];
  const want = (setting: string, is: string | undefined, wanted: string, isEnough: boolean): void => {
    if (!isEnough) found.push({ topic: name, setting, found: is ?? 'not told', wanted });
  };
  const wantSetting = (setting: string, wanted: string, isEnough = (is: string): boolean => is === wanted): void => {
    const is = topic.settings[setting];
    want(setting, is, wanted, is !== undefined && isEnough(is));
  };
  const atLeast =
    (least: number) =>
    (is: string): boolean =>
      is === '-1' || Number(is) >= least;

  want('partitions', String(topic.partitions), String(spec.partitions), topic.partitions === spec.partitions);
  const { replication } = topic;
  want('replication', String(replication), String(spec.replication), replication >= spec.replication);
  wantSetting('message.timestamp.type', 'LogAppendTime');
  wantSetting('cleanup.policy', 'delete');
  wantSetting('retention.ms', String(spec.retentionMs), atLeast(spec.retentionMs));
  wantSetting('retention.bytes', '-1');
  // What a topic cannot take goes to the dead letter, and what that cannot take would stop a sink.
  const bytes = messageBytesOf(name, spec.names);
  wantSetting('max.message.bytes', String(bytes), (is) => Number(is) >= bytes);
  if (replication > 1) wantSetting('unclean.leader.election.enable', 'false');
  if (replication < REPLICAS_MANY) wantSetting('flush.messages', '1');
  else wantSetting('min.insync.replicas', '2', (is) => Number(is) >= 2);
  return found;
}

function unfit(weaknesses: readonly Weakness[], { brokers }: TopicsSpec): MooringError {
  const [first, ...others] = weaknesses as [Weakness, ...Weakness[]];
  const hints = [...Map.groupBy(weaknesses, ({ topic }) => topic)].flatMap(([topic, some]) =>
    hintsOf(topic, some, brokers),
  );
  return new MooringError('LOG_UNFIT', `the topic ${first.topic} is not fit to keep records: ${textOf(first)}`, {
    context: { ...first, ...(others.length === 0 ? {} : { others }) },
    hint: hints.join(' '),
  });
}

function textOf({ setting, found, wanted }: Weakness): string {
  return `${setting} is ${found}, wanted is ${wanted}`;
}

/** How to make a topic fit, as commands of Kafka's own tools where there is one. */
function hintsOf(topic: string, weaknesses: readonly Weakness[], brokers: readonly string[]): string[] {
  const servers = brokers.join(',');
  const settings = weaknesses.filter(({ setting }) => !COUNTS.has(setting));
  const hints: string[] = [];
  if (settings.length > 0) {
    const values = settings.map(({ setting, wanted }) => `${setting}=${wanted}`).join(',');
    hints.push(
      `kafka-configs.sh --bootstrap-server ${servers} --alter --entity-type topics --entity-name ${topic} --add-config ${values}`,
    );
  }
  for (const { setting, found, wanted } of weaknesses) {
    if (setting === 'partitions') {
      hints.push(
        `The number of partitions of ${topic} never changes: write \`partitions: ${found}\` into the configuration, or another \`prefix\`.`,
      );
    }
    if (setting === 'replication') {
      hints.push(
        `Give ${topic} ${wanted} replicas with kafka-reassign-partitions.sh --bootstrap-server ${servers}, or write \`replication: ${found}\`.`,
      );
    }
  }
  return hints;
}

const COUNTS: ReadonlySet<string> = new Set(['partitions', 'replication']);
