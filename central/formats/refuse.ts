import { MooringError } from '../../runtime/errors.ts';
import type { Parsed, Reading, RefusedPart } from './format.ts';

/** Longest text of a refused part, in UTF-16 units; the whole message is in the dead letter anyway. */
const PART_CHARS = 512;

/**
 * Ends with `RECORD_INVALID`.
 * @param at where: `m[2].v`, `line 3`, `timestamp`; '' for the message itself
 * @param what is wrong, as the rest of a sentence: `is no number`
 */
export function refuse(at: string, what: string): never {
  throw new MooringError('RECORD_INVALID', at === '' ? `the message ${what}` : `${at} ${what}`, {
    context: { at },
  });
}

/** A part of a message with what was wrong with it. Anything but `RECORD_INVALID` is a bug, and thrown on. */
export function refusedPart(text: string, error: unknown): RefusedPart {
  if (!(error instanceof MooringError) || error.code !== 'RECORD_INVALID') throw error;
  return { text: cutText(text), reason: error.message };
}

/** Never cuts a character in two. */
export function cutText(text: string): string {
  if (text.length <= PART_CHARS) return text.toWellFormed();
  return `${text.slice(0, PART_CHARS).replace(/[\ud800-\udbff]$/, '')}…`.toWellFormed();
}

/**
 * What a message has said. Throws `RECORD_INVALID` with the first thing that was wrong where it has said nothing: no
 * reading, or none with a value while some were refused.
 */
export function parsedOf(readings: readonly Reading[], refused: readonly RefusedPart[]): Parsed {
  const [first, ...others] = refused;
  const hasValue = readings.some(({ metrics }) => Object.keys(metrics).length > 0);
  if (hasValue || (readings.length > 0 && first === undefined)) return { readings, refused };
  const reason = first === undefined ? 'the message says no value' : first.reason;
  throw new MooringError('RECORD_INVALID', others.length === 0 ? reason : `${reason}, and ${others.length} more`);
}
