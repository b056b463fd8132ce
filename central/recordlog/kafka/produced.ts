import { MooringError } from '../../../runtime/errors.ts';
import type { KafkaMessage, Produced } from './client.ts';

/** Topic → partition → how many messages. */
export type Counts = ReadonlyMap<string, ReadonlyMap<number, number>>;

export function countsOf(messages: readonly KafkaMessage[]): Counts {
  const counts = new Map<string, Map<number, number>>();
  for (const { topic, partition } of messages) {
    const partitions = counts.get(topic) ?? new Map<number, number>();
    partitions.set(partition, (partitions.get(partition) ?? 0) + 1);
    counts.set(topic, partitions);
  }
  return counts;
}

/**
 * Where the messages are, from where the broker says that each partition's part begins. Throws `LOG_FAILED` when it has
 * not said so of every part: both packages can leave out what belongs to a partition that they do not know.
 */
export function producedOf(counts: Counts, answers: readonly Omit<Produced, 'count'>[]): readonly Produced[] {
  const produced: Produced[] = [];
  for (const [topic, partitions] of counts) {
    for (const [partition, count] of partitions) {
      const answer = answers.find((one) => one.topic === topic && one.partition === partition);
      if (answer === undefined || !(answer.offset >= 0)) {
        const context = { reason: 'no_offset', topic, partition };
        throw new MooringError('LOG_FAILED', 'Kafka did not say where the records are', { context });
      }
      produced.push({ topic, partition, offset: answer.offset, count });
    }
  }
  return produced;
}
