import type { FlatRecord } from '../../central/recordlog/recordlog.ts';
import { metricNamed } from '../../protocol/metrics.ts';
import { type JsonValue, type Location, RESERVED_KEYS } from '../../protocol/record.ts';
import type { Tried, TriedRefusal, TryReport } from '../central-try.ts';
import { placeText } from '../reading-text.ts';

const HEADINGS = ['message', 'station', 'time', 'values'] as const;
/** Keys of `info` that are told otherwise. */
const SHOWN_ELSEWHERE: ReadonlySet<string> = new Set(['source_id', 'unit', 'time_from']);

/** A row a record, a line a refusal, and how many there are of each. */
export function tryTable({ messages, records, refused }: TryReport): string {
  const rows = records.map(rowOf);
  const widths = HEADINGS.map((heading, column) =>
    Math.max(heading.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const lines = [HEADINGS, ...rows].map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  const verdict = `${counted(messages, 'message')}: ${counted(records.length, 'record')}, ${refused.length} refused`;
  return [
    ...(rows.length === 0 ? [] : [...lines, '']),
    ...refused.map(refusalLine),
    ...(refused.length === 0 ? [] : ['']),
    verdict,
  ]
    .map((line) => `${line}\n`)
    .join('');
}

function rowOf({ message, line, record }: Tried): string[] {
  const info = (record.info ?? {}) as Readonly<Record<string, JsonValue>>;
  const time = info.time_from === undefined ? record.timestamp : 'when it comes';
  const others = Object.entries(info).filter(([key]) => !SHOWN_ELSEWHERE.has(key));
  const beside = others.map(([key, value]) => `${key} ${printable(value)}`).join(', ');
  const values = `${valuesText(record, info)}${beside === '' ? '' : ` (${beside})`}`;
  return [placeOf(message, line), record.station, time, values];
}

function valuesText(record: FlatRecord, info: Readonly<Record<string, JsonValue>>): string {
  const units = (info.unit ?? {}) as Readonly<Record<string, string>>;
  const values = Object.entries(record)
    .filter(([name]) => !RESERVED_KEYS.has(name))
    .map(([name, value]) => `${name} ${printable(value)} ${metricNamed(name)?.unit ?? units[name] ?? ''}`.trimEnd());
  const missing = Object.keys((record.flags ?? {}) as object).map((name) => `${name} –`);
  const place = record.location === undefined ? [] : [placeText(record.location as unknown as Location)];
  return [...values, ...missing, ...place].join(', ');
}

function refusalLine({ message, line, text, reason }: TriedRefusal): string {
  const shown = text.length > TEXT_CHARS ? `${text.slice(0, TEXT_CHARS).toWellFormed()}…` : text;
  return `refused: message ${placeOf(message, line)}: ${printable(reason)}: ${printable(shown)}`;
}

const TEXT_CHARS = 100;

function placeOf(message: number, line: number | null): string {
  return line === null || line === message ? String(message) : `${message} (line ${line})`;
}

/** One line, and nothing that a terminal would obey. */
function printable(value: JsonValue): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: what a device sends may hold them
  return text.replaceAll(/[\u0000-\u001f\u007f-\u009f]/g, ' ');
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
