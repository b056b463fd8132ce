import { beforeEach, expect, test } from 'vitest';
import type { RunId } from '../../protocol/ids.ts';
import { IntervalSet, type Range, type ReadonlyIntervalSet } from '../../protocol/intervals.ts';
import { MooringError } from '../../runtime/errors.ts';
import { entryOf, flatOf, runOf, span } from '../../test/conformance/entries.ts';
import type { Sink } from '../sinks/sink.ts';
import { DirectRecordLog } from './direct.ts';
import type { AckFollower, AckSource, LogEntry } from './recordlog.ts';

const RUN = runOf(1);
const never = new AbortController().signal;

/** A sink in memory whose writes end when the test says so. */
class MemorySink implements Sink {
  readonly name: string;
  readonly sets = new Map<RunId, IntervalSet>();
  readonly writes: number[][] = [];
  state: 'new' | 'open' | 'closed' = 'new';
  openError: Error | undefined;
  /** What the next writes do. */
  gate: Promise<void> = Promise.resolve();

  constructor(name: string) {
    this.name = name;
  }

  async open(): Promise<void> {
    if (this.openError !== undefined) throw this.openError;
    this.state = 'open';
  }

  async write(entries: readonly LogEntry[]): Promise<number> {
    for (const { records } of entries) this.writes.push(records.map(({ sequence }) => sequence));
    await this.gate;
    let added = 0;
    for (const { run, records } of entries) {
      const set = this.sets.get(run) ?? new IntervalSet();
      for (const { sequence } of records) added += set.add(sequence);
      this.sets.set(run, set);
    }
    return added;
  }

  runs(): Iterable<RunId> {
    return this.sets.keys();
  }

  committed(run: RunId): ReadonlyIntervalSet {
    return this.sets.get(run) ?? new IntervalSet();
  }

  async close(): Promise<void> {
    this.state = 'closed';
  }
}

let a: MemorySink;
let b: MemorySink;
beforeEach(() => {
  a = new MemorySink('a');
  b = new MemorySink('b');
});

const failure = new MooringError('SINK_FAILED', 'full');
const failed = (error: Error): Promise<void> => {
  const gate = Promise.reject(error);
  gate.catch(() => undefined);
  return gate;
};

test('a record is stored when every sink has it, and a sink is given only what it lacks', async () => {
  const log = new DirectRecordLog({ sinks: [a, b] });
  await log.open(never);
  b.gate = failed(failure);
  await expect(log.append(entryOf(RUN, [1, 2, 3]))).rejects.toMatchObject({
    code: 'LOG_FAILED',
    context: { sink: 'b' },
    cause: failure,
  });
  expect(log.acknowledged(RUN)).toEqual([]);

  b.gate = Promise.resolve();
  expect(await log.append(entryOf(RUN, [2, 3, 4]))).toEqual({ stored: [[2, 4]], added: 3, held: [], rejected: [] });
  expect(a.writes).toEqual([[1, 2, 3], [4]]);
  expect(b.writes).toEqual([
    [1, 2, 3],
    [2, 3, 4],
  ]);
  expect(log.acknowledged(RUN)).toEqual([[2, 4]]);

  expect(await log.append(entryOf(RUN, [3, 4]))).toMatchObject({ stored: [[3, 4]], added: 0 });
  expect(a.writes).toHaveLength(2);
  expect(b.writes).toHaveLength(2);
});

test('an append waits for the slowest sink, even when another has failed: none still writes when it is repeated', async () => {
  const log = new DirectRecordLog({ sinks: [a, b] });
  await log.open(never);
  const slow = Promise.withResolvers<void>();
  a.gate = failed(failure);
  b.gate = slow.promise;
  let isSettled = false;
  const append = log.append(entryOf(RUN, [1])).catch((error: unknown) => {
    isSettled = true;
    return error;
  });
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
  expect(isSettled).toBe(false);
  slow.resolve();
  expect(await append).toMatchObject({ code: 'LOG_FAILED' });
});

test('how much waits at once is for the caller to say', async () => {
  const log = new DirectRecordLog({ sinks: [a] });
  await log.open(never);
  const gate = Promise.withResolvers<void>();
  a.gate = gate.promise;
  const note = 'x'.repeat(500_000);
  const appends = span(1, 100).map((sequence) =>
    log.append({
      ...entryOf(RUN, [sequence]),
      records: [{ sequence, flat: { ...flatOf(RUN, sequence), x_note: note } }],
    }),
  );
  gate.resolve();
  await Promise.all(appends);
  expect(a.committed(RUN).count).toBe(100);
});

test('a bug in a sink is not taken for a failure of its disk', async () => {
  const log = new DirectRecordLog({ sinks: [a] });
  await log.open(never);
  a.gate = failed(new TypeError('a bug'));
  await expect(log.append(entryOf(RUN, [1]))).rejects.toBeInstanceOf(TypeError);
});

test('when a sink cannot be opened, none stays open', async () => {
  b.openError = failure;
  const log = new DirectRecordLog({ sinks: [a, b] });
  await expect(log.open(never)).rejects.toBe(failure);
  expect(a.state).toBe('closed');
  await expect(log.append(entryOf(RUN, [1]))).rejects.toMatchObject({ code: 'LOG_FAILED' });
});

test('followers hear of every run with new acknowledgements, and close last, when all is known', async () => {
  const heard: RunId[] = [];
  const atClose: (readonly Range[])[] = [];
  let source: AckSource | undefined;
  const follower: AckFollower = {
    start(from) {
      source = from;
    },
    follow: (run) => void heard.push(run),
    async close() {
      atClose.push(source?.acknowledged(RUN) ?? []);
    },
  };
  const log = new DirectRecordLog({ sinks: [a], followers: [follower] });
  await log.open(never);
  const gate = Promise.withResolvers<void>();
  a.gate = gate.promise;
  const append = log.append(entryOf(RUN, span(1, 5)));
  expect(heard).toEqual([]);
  const closing = log.close();
  gate.resolve();
  await Promise.all([append, closing]);
  expect(heard).toEqual([RUN]);
  expect(atClose).toEqual([[[1, 5]]]);
  expect(a.state).toBe('closed');
});
