import { readFileSync, statSync } from 'node:fs';
import type { Mapping } from '../../central/formats/mapping/mapping-rules.ts';
import { MooringError } from '../../runtime/errors.ts';

/** A message of a file. */
export interface TryMessage {
  /** Counted from 1. */
  readonly number: number;
  /** That it stands in; null where that is no single one. */
  readonly line: number | null;
  readonly bytes: Uint8Array;
}

export const TRY_BYTES_MAX = 64 * 1024 * 1024;

/** Throws `CONFIG_UNREADABLE` for a file that cannot be read, and one that is too large to try. */
export function readTryFile(file: string): Buffer {
  try {
    const stat = statSync(file);
    if (stat.isFile() && stat.size <= TRY_BYTES_MAX) return readFileSync(file);
  } catch (cause) {
    throw new MooringError('CONFIG_UNREADABLE', 'the messages cannot be read', {
      cause,
      context: { file, reason: (cause as NodeJS.ErrnoException).code },
      hint: 'Give the path of a file that this user may read.',
    });
  }
  throw new MooringError('CONFIG_UNREADABLE', `the messages are no file of at most ${TRY_BYTES_MAX / 2 ** 20} MiB`, {
    context: { file },
    hint: 'Try a part of them.',
  });
}

/**
 * The messages of a file: of a mapping of lines one a line; of JSON the file as a whole, each entry of its list where the
 * mapping does not take the list itself, or else one a line. Blank lines are none.
 */
export function tryMessagesOf(bytes: Buffer, { lines, each }: Mapping): TryMessage[] {
  const byLine = linesIn(bytes);
  if (lines !== undefined || byLine.length === 0) return byLine;
  const whole = jsonOf(bytes);
  const isList = Array.isArray(whole) && (each?.from !== 'message' || each.parts.length > 0);
  if (isList) {
    return (whole as unknown[]).map((entry, index) => {
      return { number: index + 1, line: null, bytes: Buffer.from(JSON.stringify(entry)) };
    });
  }
  // A document over several lines that is broken is one message that is refused, and not as many as it has lines.
  const isOne = whole !== undefined || !byLine.some((line) => jsonOf(line.bytes) !== undefined);
  return isOne ? [{ number: 1, line: null, bytes }] : byLine;
}

function linesIn(bytes: Buffer): TryMessage[] {
  const messages: TryMessage[] = [];
  let line = 0;
  for (let from = 0; from < bytes.length; ) {
    const end = bytes.indexOf(0x0a, from);
    const to = end < 0 ? bytes.length : end;
    const part = bytes.subarray(from, to);
    line += 1;
    if (part.toString('latin1').trim() !== '') messages.push({ number: messages.length + 1, line, bytes: part });
    from = to + 1;
  }
  return messages;
}

function jsonOf(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString()) as unknown;
  } catch {
    return undefined;
  }
}
