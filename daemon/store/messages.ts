import type { Range } from '../../protocol/intervals.ts';
import { type ErrorCode, MooringError, type Retry } from '../../runtime/errors.ts';
import type { Lane, TakeLimits } from './store.ts';
import type { Group, StoreFileOptions } from './store-file.ts';

/** What the store's thread is started with. */
export type ThreadOptions = StoreFileOptions;

/** What the store's thread is asked; each is answered once, in order. */
export type Question =
  | { readonly ask: 'commit'; readonly group: Group }
  | {
      readonly ask: 'take';
      readonly forwarder: string;
      readonly lane: Lane;
      readonly limits: TakeLimits;
      readonly nowMs: number;
    }
  | {
      readonly ask: 'release' | 'hold';
      readonly forwarder: string;
      readonly salt: Uint8Array;
      readonly ranges: readonly Range[];
    }
  | { readonly ask: 'stats' | 'close' };

export interface Request {
  readonly id: number;
  readonly question: Question;
}

/** The answer to the opening has this id. */
export const OPENING = 0;

export interface Opening {
  /** As in `Current`. */
  readonly previous: string | undefined;
  /** Bytes of database and write-ahead log. */
  readonly bytes: number;
}

export type Answer =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly error: ErrorMessage };

/** A `MooringError` as another thread can take it: an error's class and fields do not survive being copied. */
export interface ErrorMessage {
  readonly code: ErrorCode;
  readonly message: string;
  readonly retry: Retry;
  readonly context: Readonly<Record<string, unknown>>;
  readonly hint: string | undefined;
  readonly cause: unknown;
}

export function messageOf({ code, message, retry, context, hint, cause }: MooringError): ErrorMessage {
  return { code, message, retry, context, hint, cause: cause instanceof Error ? new Error(cause.message) : cause };
}

export function errorOf({ code, message, retry, context, hint, cause }: ErrorMessage): MooringError {
  return new MooringError(code, message, { retry, context, ...(hint === undefined ? {} : { hint }), cause });
}
