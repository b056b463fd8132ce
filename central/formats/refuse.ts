import { MooringError } from '../../runtime/errors.ts';
import type { RefusedPart } from './format.ts';

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
