import { once } from 'node:events';
import { appendFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { silentLog } from '../../../runtime/log.ts';
import { SteppedClock } from '../../../sim/clock.ts';
import { entryOf, flatOf, runOf, span } from '../../../test/conformance/entries.ts';
import { harness, recordsIn } from '../../../test/conformance/files-sink.ts';
import { kill, startWriter } from '../../../test/conformance/kill.ts';
import type { LogEntry } from '../../recordlog/recordlog.ts';
import { FilesSink } from './files.ts';
import { hourFileOf } from './hour-file.ts';

const RUN = runOf(1);
const never = new AbortController().signal;

let place = '';
beforeEach(() => {
  place = mkdtempSync(join(tmpdir(), 'mooring-files-'));
});
afterEach(() => rmSync(place, { recursive: true, force: true }));

function setUp() {
  const clock = new SteppedClock();
  const folder = join(place, 'records');
  const sink = new FilesSink({ name: 'archive', path: folder, clock, log: silentLog });
  const write = async (entry: LogEntry): Promise<void> => {
    const written = sink.write([entry]);
    await clock.advance(1000);
    await written;
  };
  return { clock, folder, sink, write };
}

test('a record stands in the hour of its event time in UTC, also when it comes late', async () => {
  const { folder, sink, write } = setUp();
  await sink.open(never);
  const at = (sequence: number, timestamp: string, received_at = '2026-03-01T01:00:00.000Z'): LogEntry => {
    const flat = { ...flatOf(RUN, sequence), timestamp, received_at };
    return { gateway: 'plaka', run: RUN, records: [{ sequence, flat }] };
  };
  await write(at(1, '2026-03-01T00:00:00.000Z'));
  await write(at(2, '2026-02-28T23:59:59.999Z'));
  await write(at(3, '1970-01-01T00:00:03.000Z', '1970-01-01T00:00:04.000Z'));
  await write(at(4, '2026-03-01T00:59:59.999Z'));
  await sink.close();
  const idsIn = (file: string): number[] =>
    readFileSync(join(folder, file), 'utf8')
      .split('\n')
      .slice(0, -1)
      .map((line) => Number.parseInt((JSON.parse(line) as { id: string }).id.slice(-12), 16));
  expect(idsIn('2026/03/01/00.ndjson')).toEqual([1, 4]);
  expect(idsIn('2026/02/28/23.ndjson')).toEqual([2]);
  expect(idsIn('1970/01/01/00.ndjson')).toEqual([3]);
});

test('a line is the flat record as JSON, key by key as it came', async () => {
  const { folder, sink, write } = setUp();
  await sink.open(never);
  await write(entryOf(RUN, [1]));
  await sink.close();
  expect(readFileSync(join(folder, hourFileOf(flatOf(RUN, 1))), 'utf8')).toBe(`${JSON.stringify(flatOf(RUN, 1))}\n`);
});

test('a thousand writes within a second are two commits: the first at once, the rest a second later', async () => {
  const { clock, sink } = setUp();
  await sink.open(never);
  const done: number[] = [];
  const write = (sequence: number): Promise<unknown> =>
    sink.write([entryOf(RUN, [sequence])]).then(() => done.push(clock.monotonicMs()));
  const first = write(1);
  await clock.advance(10);
  await first;
  const rest = span(2, 1000).map(write);
  await clock.advance(999);
  expect(done).toEqual([10]);
  await clock.advance(1);
  await Promise.all(rest);
  expect(new Set(done.slice(1))).toEqual(new Set([1010]));
  await sink.close();
});

test('while another process writes, a second one stands by, and takes over with all that was committed', async () => {
  const writer = startWriter(new URL('../../../test/conformance/files-sink.ts', import.meta.url).href, place, 1, 1);
  const messages: { readonly stored?: readonly [number, number] }[] = [];
  writer.on('message', (message: object) => messages.push(message));
  await once(writer, 'message');

  const { clock, folder, sink } = setUp();
  let isOpen = false;
  const opening = sink.open(never).then(() => {
    isOpen = true;
  });
  await clock.advance(60_000);
  expect(isOpen).toBe(false);
  while (messages.length < 5) await once(writer, 'message');
  expect(isOpen).toBe(false);

  await kill(writer);
  await clock.advance(500);
  await opening;
  for (const { stored } of messages) {
    if (stored === undefined) continue;
    expect(sink.committed(RUN).covers(...stored)).toBe(true);
  }
  const ids = recordsIn(folder).map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  await sink.close();
});

test('half a line that a crash has left is gone after the next start', async () => {
  const { folder, sink, write } = setUp();
  await sink.open(never);
  await write(entryOf(RUN, [1, 2]));
  await sink.close();
  const file = join(folder, hourFileOf(flatOf(RUN, 1)));
  appendFileSync(file, '{"id":"half');
  const again = harness.make(place);
  await again.open(never);
  await again.close();
  expect(recordsIn(folder)).toHaveLength(2);
});
