import assert from 'node:assert/strict';
import type { Clock } from '../../../runtime/clock.ts';
import { MooringError } from '../../../runtime/errors.ts';
import type { LogSpan, TopicDescription } from './client.ts';

/** By partition, in order, none left out. */
export function spansIn(partitions: readonly (LogSpan & { readonly partition: number })[]): readonly LogSpan[] {
  const ordered = [...partitions].sort((one, other) => one.partition - other.partition);
  const whole = ordered.every(({ partition }, index) => partition === index);
  assert(whole, 'Kafka numbers the partitions of a topic from 0 on, without a hole');
  return ordered.map(({ first, end }) => ({ first, end }));
}

/** By partition, in order. Kafka's word for none is a negative offset. */
export function committedIn(
  partitions: readonly { readonly partition: number; readonly offset: number }[],
): readonly (number | undefined)[] {
  const ordered = [...partitions].sort((one, other) => one.partition - other.partition);
  return ordered.map(({ offset }) => (offset < 0 ? undefined : offset));
}

const LOOKS = 20;
const LOOK_MS = 250;

/**
 * Resolves when a topic can be seen, whatever became of the request to make it. Rejects with what that request failed for,
 * or with `LOG_FAILED` where it did not fail and there is still no topic.
 */
export async function topicIsThere(
  clock: Clock,
  creating: Promise<unknown>,
  describe: () => Promise<TopicDescription | undefined>,
): Promise<void> {
  const failure = await creating.then(
    () => undefined,
    (error: unknown) => error as Error,
  );
  if (failure instanceof MooringError && failure.retry === 'never') throw failure;
  for (let looks = 0; looks < LOOKS; looks += 1) {
    if ((await describe()) !== undefined) return;
    // One that was refused, and that nobody else makes, is not there at a second look either.
    if (failure !== undefined && looks > 1) throw failure;
    await clock.sleep(LOOK_MS);
  }
  throw new MooringError('LOG_FAILED', 'a topic was made, and is not to be seen', {
    context: { reason: 'unknown_topic' },
  });
}
