import assert from 'node:assert/strict';
import { type TopicMessage, Topics } from '../kafka/topics.ts';
import type { Shore, ShoreKafka } from './shore.ts';
import { readAcks, type SinkRecord } from './sink.ts';

/** A record as it stands in a topic. */
export interface TopicRecord extends TopicMessage {
  readonly record: SinkRecord;
}

export function recordsTopic({ prefix }: ShoreKafka): string {
  return `${prefix}.records`;
}

/** Everything that is in the topic of a shore's records. */
export async function readTopic(kafka: ShoreKafka): Promise<readonly TopicRecord[]> {
  const messages = await new Topics(kafka.broker.address).read(recordsTopic(kafka));
  return messages.map((message) => ({ ...message, record: JSON.parse(message.value) as SinkRecord }));
}

/** What is known of a topic beside that whatever was acknowledged is in it. */
export interface TopicClaim {
  /** Ids that were acknowledged out of a topic that is gone. */
  readonly gone?: ReadonlySet<string>;
  /** No record is in it twice; false if left out: a record may be, and no sink minds. */
  readonly isOnce?: boolean;
}

/**
 * Holds the log to the promise: whatever was acknowledged is in the topic, and whatever has one key is in one partition.
 * Returns what it saw.
 */
export async function holdTopic(
  shore: Shore,
  kafka: ShoreKafka,
  { gone = new Set(), isOnce = false }: TopicClaim,
): Promise<string> {
  const messages = await readTopic(kafka);
  const ids = new Set(messages.map(({ record }) => record.id));
  const missing = readAcks(shore).filter((id) => !ids.has(id) && !gone.has(id));
  assert.deepEqual(missing, [], 'whatever was acknowledged is in the topic');
  const places = new Set(messages.map(({ key, partition }) => `${key} ${partition}`));
  assert.equal(places.size, new Set(messages.map(({ key }) => key)).size, 'a key has one partition');
  const again = messages.length - ids.size;
  if (isOnce) assert.equal(again, 0, 'no record was produced twice');
  return `topic: ${ids.size} records, ${again} of them again`;
}
