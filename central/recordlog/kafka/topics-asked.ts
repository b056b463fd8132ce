import assert from 'node:assert/strict';
import type { Clock } from '../../../runtime/clock.ts';
import { MooringError } from '../../../runtime/errors.ts';
import type { LogSpan } from './client.ts';

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
 * Resolves when a topic can be used, whatever became of the request to make it: it is described, and its leaders answer,
 * which they do a moment later. Rejects with what that request failed for, or with what is still missing after some seconds.
 */
export async function topicIsThere(
  clock: Clock,
  creating: Promise<unknown>,
  look: () => Promise<unknown>,
): Promise<void> {
  const refused = await failureOf(creating);
  if (refused?.retry === 'never') throw refused;
  for (let looks = 1; ; looks += 1) {
    const missing = await failureOf(look());
    if (missing === undefined) return;
    // One that could not be made, and that nobody else makes, is not there at a second look either.
    if (refused !== undefined && looks === 2) throw refused;
    if (looks === LOOKS) throw missing;
    await clock.sleep(LOOK_MS);
  }
}

async function failureOf(work: Promise<unknown>): Promise<MooringError | undefined> {
  try {
    await work;
    return undefined;
  } catch (error) {
    if (error instanceof MooringError) return error;
    throw error;
  }
}
