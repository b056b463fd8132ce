import type { ErrorCode, MooringError } from '../../../runtime/errors.ts';
import type { FoundLine } from './found-line.ts';

/**
 * What the daemon and its guard say to each other: a JSON object a line. The daemon's words are small enough that the pipe
 * takes them at once.
 */
export type WordToGuard =
  /** The daemon is alive; it says so every `BEAT_MS`. */
  | { readonly word: 'beat' }
  | {
      readonly word: 'open';
      readonly id: number;
      readonly line: string;
      readonly found: FoundLine;
      readonly safe: Level;
      readonly on: Level;
    }
  | { readonly word: 'play'; readonly id: number; readonly pattern: readonly number[]; readonly limitMs?: number }
  | { readonly word: 'rest'; readonly id: number }
  | { readonly word: 'close'; readonly id: number };

export type WordFromGuard =
  | { readonly word: 'beat' }
  /** The line is held at its safe level. */
  | { readonly word: 'opened'; readonly id: number }
  /** It could not be taken, or was taken away. The guard has forgotten it. */
  | { readonly word: 'failed'; readonly id: number; readonly error: ErrorWords }
  /** At the safe level as nothing was heard for `SILENCE_MS`: what was played has to be told again. */
  | { readonly word: 'rested'; readonly id: number }
  | { readonly word: 'closed'; readonly id: number };

export type Level = 0 | 1;

/** What is left of an error on its way between processes. */
export interface ErrorWords {
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint?: string;
  readonly context: Readonly<Record<string, unknown>>;
}

export function errorWords({ code, message, hint, context }: MooringError): ErrorWords {
  return { code, message, context, ...(hint === undefined ? {} : { hint }) };
}

/** How often each end says that it is alive, in milliseconds. */
export const BEAT_MS = 500;
/** A daemon that says nothing for so long is stopped, and its lines go to their safe level. */
export const SILENCE_MS = 2000;
