import { isUtf8 } from 'node:buffer';
import { type Letter, messageOf } from '../../central/deadletter/letter.ts';
import type { ListedLetter } from '../../central/deadletter/letter-box.ts';
import type { Replayed } from '../../central/deadletter/replay.ts';

const HEADINGS = ['time', 'from', 'code', 'id', 'reason'];
const REASON_CHARS = 100;
/** Of a message that is no text, as hexadecimal digits. */
const HEX_BYTES = 512;

/** A row a letter, and how many there are. */
export function listText(letters: readonly ListedLetter[], more: number): string {
  const older = more === 0 ? '' : `, and ${more} older`;
  const verdict = `${letters.length} letter${letters.length === 1 ? '' : 's'}${older}\n`;
  if (letters.length === 0) return verdict;
  const rows = letters.map(({ time, kind, origin, code, id, reason, replayed }) => {
    const shown = reason.length > REASON_CHARS ? `${reason.slice(0, REASON_CHARS)}…` : reason;
    return [time, `${kind} ${origin}`.trim(), code, id, `${replayed ? '(replayed) ' : ''}${shown}`].map(printable);
  });
  const widths = HEADINGS.map((heading, at) => Math.max(heading.length, ...rows.map((row) => row[at]?.length ?? 0)));
  const lines = [HEADINGS, ...rows].map((row) => row.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join('  '));
  return `${lines.map((line) => `${line.trimEnd()}\n`).join('')}\n${verdict}`;
}

/** Every key of a letter, then its message as it came: JSON laid out, other text as it is, other bytes as digits. */
export function letterText(letter: Letter): string {
  const { id, kind, body } = letter;
  const { message: _, message_base64: __, record, ...said } = body;
  const keys = Object.entries({ id, kind, ...said }).map(([key, value]) => {
    return `${key}: ${printable(typeof value === 'string' ? value : JSON.stringify(value))}\n`;
  });
  const whole = record === undefined ? '' : `\n${laidOut(JSON.stringify(record))}\n`;
  const message = messageOf(letter);
  if (message === undefined) return `${keys.join('')}${whole}`;
  const cut = message.isWhole ? '' : ' (its beginning; the letter has no more)';
  return `${keys.join('')}${whole}\nmessage${cut}:\n${messageText(message.bytes)}\n`;
}

/** One line on what became of a letter. */
export function replayedText(result: Replayed): string {
  if (result.state === 'refused') return `${result.id}: stays: ${printable(result.reason)}\n`;
  return `${result.id}: replayed, ${result.records} record${result.records === 1 ? '' : 's'}\n`;
}

function messageText(bytes: Buffer): string {
  if (isUtf8(bytes)) return laidOut(bytes.toString('utf8'));
  const more = bytes.length > HEX_BYTES ? ` … (${bytes.length} bytes)` : '';
  return `${bytes.subarray(0, HEX_BYTES).toString('hex')}${more}`;
}

function laidOut(text: string): string {
  return text
    .split('\n')
    .flatMap((line) => indented(line, text).split('\n'))
    .map(printable)
    .join('\n');
}

/** JSON over several lines where the whole text is one document on one line. */
function indented(line: string, text: string): string {
  if (line !== text) return line;
  try {
    return JSON.stringify(JSON.parse(text), undefined, 2);
  } catch {
    return line;
  }
}

/** One line, and nothing that a terminal would obey. */
function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: what anybody sends may hold them
  return text.replaceAll(/[\u0000-\u001f\u007f-\u009f]/g, ' ');
}
