import { isUtf8 } from 'node:buffer';
import { hash } from 'node:crypto';
import type { Occasion } from '../../formats/foreign-record.ts';

/** Why a part of a message is no record. */
export const FOREIGN_REFUSAL_CODES = ['invalid_record', 'name_collision', 'too_large', 'refused_by_log'] as const;
export type ForeignRefusalCode = (typeof FOREIGN_REFUSAL_CODES)[number];

export interface ForeignRefusal {
  readonly code: ForeignRefusalCode;
  /** For people: what is wrong, and where. */
  readonly reason: string;
  /** The part as text, cut where it is long. */
  readonly text: string;
  /** Of `name_collision`: the name, and the device's own id that has it. */
  readonly taken?: { readonly station: string; readonly other: string };
}

/** A message of an existing device that is refused, as a whole or in some of its parts. */
export interface ForeignLetter {
  readonly source: string;
  readonly topic: string | undefined;
  /** The message as it came. */
  readonly bytes: Uint8Array;
  /** UTC, milliseconds since 1970. */
  readonly receivedAtMs: number;
  /** See `ReceivedMessage.delivery`: given again, it makes the same ids. */
  readonly delivery?: Occasion | undefined;
  /** At least one. */
  readonly refused: readonly ForeignRefusal[];
}

/** Where such messages stay: most devices have nothing to send again. */
export interface ForeignLetters {
  /** Resolves when the letter is durable: only then does its message count as taken. Rejects with a `MooringError`. */
  append(letter: ForeignLetter): Promise<void>;
}

/** More than any source takes as one message. */
const BYTES_MAX = 2 * 2 ** 20;
/** Parts that a letter tells of. */
export const PARTS_MAX = 32;
const REASON_CHARS_MAX = 200;

/**
 * A letter as one line of JSON: `{reason, code, source, topic, received_at, delivery, bytes, sha256, parts, message}`,
 * or `message_base64` where the message is no text, or shorter so. `bytes` and `sha256` are of the whole message, of which the
 * first 2 MiB are there; a message that comes again makes a letter that differs in `received_at` alone. Never longer than
 * what is there in base64, and some 40 KiB.
 */
export function foreignLetterLine({ source, topic, bytes, receivedAtMs, delivery, refused }: ForeignLetter): string {
  const [first, ...others] = refused;
  const more = others.length === 0 ? '' : `, and ${others.length} more`;
  const line = {
    reason: `${(first?.reason ?? '').slice(0, REASON_CHARS_MAX)}${more}`,
    code: first?.code,
    source,
    topic,
    received_at: new Date(receivedAtMs).toISOString(),
    delivery: delivery && { name: delivery.name, time: new Date(delivery.timestampMs).toISOString() },
    bytes: bytes.length,
    sha256: hash('sha256', bytes),
    // A replay has to know every name that is another's: these are first.
    parts: [...refused.filter(({ taken }) => taken), ...refused.filter(({ taken }) => !taken)]
      .slice(0, PARTS_MAX)
      .map(({ code, reason, text, taken }) => ({ code, reason: reason.slice(0, REASON_CHARS_MAX), text, taken })),
  };
  return JSON.stringify({ ...line, ...contentOf(bytes) });
}

function contentOf(bytes: Uint8Array): { readonly message: string } | { readonly message_base64: string } {
  const copied = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, BYTES_MAX));
  const base64 = copied.toString('base64');
  if (!isUtf8(copied)) return { message_base64: base64 };
  const text = copied.toString('utf8');
  return Buffer.byteLength(JSON.stringify(text)) > base64.length + 2 ? { message_base64: base64 } : { message: text };
}
