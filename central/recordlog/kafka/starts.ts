import { MooringError } from '../../../runtime/errors.ts';
import type { KafkaAdmin, KafkaConsumerOptions } from './client.ts';

/**
 * Where each partition is read from: what `positions` says, else what the group has committed, else the earliest.
 * Rejects with `LOG_EXPIRED` when the log does not have one of these places (any more), and with what asking failed for.
 */
export async function startsOf(
  { group, topic, positions }: Pick<KafkaConsumerOptions, 'group' | 'topic' | 'positions'>,
  admin: KafkaAdmin,
  partitions: readonly number[],
): Promise<ReadonlyMap<number, number>> {
  const own = await positions(partitions);
  const spans = await admin.offsets(topic);
  const needsGroup = partitions.some((partition) => !own.has(partition));
  const committed = needsGroup ? await admin.committed(group, topic) : [];
  const starts = new Map<number, number>();
  for (const partition of partitions) {
    const span = spans[partition];
    if (span === undefined) {
      const context = { topic, partition, reason: 'unknown_partition' };
      throw new MooringError('LOG_FAILED', 'the broker does not know a partition that it has assigned', { context });
    }
    const start = own.get(partition) ?? committed[partition] ?? span.first;
    if (start < span.first || start > span.end) {
      throw new MooringError('LOG_EXPIRED', 'the log does not have what is to be read next', {
        context: { topic, partition, offset: start, ...span },
        hint:
          start < span.first
            ? 'Records were deleted before they were read. Look at the retention of the topic.'
            : 'The topic is shorter than what was read of it: it is another one, or the broker lost a part of it.',
      });
    }
    starts.set(partition, start);
  }
  return starts;
}
