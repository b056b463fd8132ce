/**
 * A files sink that makes Parquet, on a clock that runs 3600 times as fast and on a wall clock that goes on with the records: an
 * hour of 1000 of them is closed a second later. Run as a process it writes until it is killed.
 * Arguments: folder, format, first number, last one. Messages: the last number that is confirmed.
 */
import process from 'node:process';
import type { FlatRecord } from '../../central/recordlog/recordlog.ts';
import { type FilesFormat, FilesSink } from '../../central/sinks/files/files.ts';
import { type Clock, systemClock } from '../../runtime/clock.ts';
import { silentLog } from '../../runtime/log.ts';
import { flatOf, runOf, span } from '../conformance/entries.ts';
import { foreignOf } from '../conformance/remote-records.ts';

const SPEED = 3600;
const START_MS = Date.UTC(2026, 0, 31, 20);
const SPACING_MS = 3600;
const HOUR_MS = 3_600_000;
const RECORDS_PER_WRITE = 20;
const COMMIT_MS = 5;
const RUN = runOf(1);

/** When a record comes in, by its number, in milliseconds since 1970. */
export const receivedMsOf = (number: number): number => START_MS + number * SPACING_MS;

/** The hours that records up to that number may be of. */
export const hoursUpTo = (last: number): number => Math.ceil((last * SPACING_MS) / HOUR_MS) + LATE_HOURS_MAX + 1;

const LATE_HOURS_MAX = 3;

/** One in seven is late, by up to some hours. */
function timesOf(number: number): Pick<FlatRecord, 'timestamp' | 'received_at'> {
  const lateMs = number % 7 === 0 ? (number * 7919) % (LATE_HOURS_MAX * HOUR_MS) : 0;
  const receivedMs = receivedMsOf(number);
  return {
    timestamp: new Date(receivedMs - lateMs).toISOString(),
    received_at: new Date(receivedMs + 250).toISOString(),
  };
}

export const ownFlatOf = (number: number): FlatRecord => ({ ...flatOf(RUN, number), ...timesOf(number) });
export const foreignFlatOf = (number: number): FlatRecord => ({ ...foreignOf(number), ...timesOf(number) });

/** @param wallMs its wall clock */
export function hurriedSink(path: string, format: FilesFormat, wallMs: () => number): FilesSink {
  const clock: Clock = {
    wallMs,
    monotonicMs: () => systemClock.monotonicMs() * SPEED,
    sleep: (durationMs, signal) => systemClock.sleep(durationMs / SPEED, signal),
    after: (durationMs, action) => systemClock.after(durationMs / SPEED, action),
  };
  const times = { commitIntervalMs: COMMIT_MS * SPEED, gatherMs: SPEED };
  return new FilesSink({ ...{ name: 'archive', path, format, clock, log: silentLog }, ...times });
}

export function writeNumbers(sink: FilesSink, first: number, last: number): Promise<number> {
  const numbers = span(first, last);
  const records = numbers.map((sequence) => ({ sequence, flat: ownFlatOf(sequence) }));
  const foreign = numbers.map((number) => ({ flat: foreignFlatOf(number) }));
  return sink.write([{ gateway: 'plaka', run: RUN, records }], undefined, foreign);
}

async function main([folder, format, first, last]: readonly string[]): Promise<void> {
  let next = Number(first);
  const sink = hurriedSink(folder as string, format as FilesFormat, () => receivedMsOf(next));
  await sink.open(new AbortController().signal);
  while (next <= Number(last)) {
    const end = next + RECORDS_PER_WRITE - 1;
    await writeNumbers(sink, next, end);
    next = end + 1;
    process.send?.(end);
  }
}

if (process.send !== undefined && process.argv[1] === import.meta.filename) await main(process.argv.slice(2));
