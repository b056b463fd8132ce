import { expect, test } from 'vitest';
import { parseRecordId, recordIdOf } from '../../../protocol/ids.ts';
import { flatOf, runOf } from '../../../test/conformance/entries.ts';
import { foreignOf, storeRecordOf, wordsOf } from '../../../test/conformance/remote-records.ts';
import type { FlatRecord } from '../../recordlog/recordlog.ts';
import { Unwritable } from '../remote/unwritable.ts';
import { lineOf } from './line.ts';

const RUN = runOf(1);
const options = { measurement: 'sensor data', tags: ['institute', 'classroom'] };
const line = (flat: FlatRecord): string => lineOf(storeRecordOf(flat), options);
const sample: FlatRecord = {
  id: recordIdOf(RUN, 7),
  gateway: 'plaka',
  station: 'buoy-7',
  kind: 'sample',
  timestamp: '2026-01-31T23:00:00.001Z',
  clock: 'synced',
  received_at: '2026-01-31T23:00:00.250Z',
};

test('names every part of a record, each in the type that it has for ever', () => {
  const text = line({
    ...sample,
    temperature: 21,
    pressure: 1e-7,
    door_open: false,
    modem_state: 'a "b" \\ c',
    x_empty: '',
    flags: { humidity: 9 },
    location: { lat: -1e-7, lon: 180 },
    info: { a: [null, '"'] },
  });
  expect(text).toMatch(/^sensor\\ data,gateway=plaka,station=buoy-7 id="/);
  const fields = text.slice(text.indexOf(' id=') + 1, text.lastIndexOf(' '));
  expect(fields).toBe(
    `id="${sample.id}",run="${RUN}",sequence=7i,received_at=1769900400250i,clock="synced",info="{\\"a\\":[null,\\"\\\\\\"\\"]}",` +
      'location.lat=-1e-7,location.lon=180,flag.humidity=9i,temperature=21,pressure=1e-7,door_open=false,' +
      'modem_state="a \\"b\\" \\\\ c",x_empty=""',
  );
});

test('two records of a run in one millisecond are two points, and a repetition is the same one', () => {
  const other = { ...sample, id: recordIdOf(RUN, 8) };
  expect(timeOf(line(other)) - timeOf(line(sample))).toBe(1n);
  expect(line({ ...sample, received_at: '2026-02-01T00:00:00.000Z' }).endsWith(` ${timeOf(line(sample))}`)).toBe(true);
  expect(timeOf(line(sample)) / 1_000_000n).toBe(1_769_900_400_001n);
});

test('two runs of a gateway whose clock starts at the same time each time are told apart', () => {
  const times = [1, 2, 3, 4, 5].map((run) => timeOf(line({ ...sample, id: recordIdOf(runOf(run), 7) })));
  expect(new Set(times).size).toBe(5);
});

test('records of existing devices in one millisecond are two points; their registry gives tags, folded where they must be', () => {
  const [one, two] = [1, 2].map((number) => ({
    ...foreignOf(number),
    timestamp: sample.timestamp,
    received_at: sample.timestamp,
    info: { tags: { institute: 'Via Vasca, \\ Navale=1\n', classroom: '', floor: 3 } },
  }));
  expect(timeOf(line(one as FlatRecord))).not.toBe(timeOf(line(two as FlatRecord)));
  expect(line(one as FlatRecord)).toContain(
    ',gateway=schools,institute=Via\\ Vasca\\,\\ /\\ Navale\\=1,station=24e12401 id=',
  );
  expect(line(one as FlatRecord)).not.toMatch(/run=|sequence=|classroom=/);
});

test('alarms, gaps and events have measurements of their own', () => {
  const words = wordsOf((sequence) => recordIdOf(RUN, sequence)).map(line);
  expect(words.map((text) => text.slice(0, text.indexOf(',')))).toEqual(['alarm', 'gap', 'event']);
});

test.each([
  ['0000-00-00T00:00:00.000Z', 'no time at all'],
  ['1969-12-31T23:59:59.999Z', 'before 1970'],
  ['1970-01-01T00:00:00.000Z', 'a clock that was never set'],
  ['2262-04-11T23:47:16.854Z', 'beyond 64 bits of nanoseconds'],
  ['9999-12-31T23:59:59.999Z', 'the last of the protocol'],
])('%s (%s) stands in `undated` at the time when it was received, with what it says itself', (timestamp) => {
  const text = line({ ...sample, timestamp });
  expect(text).toMatch(/^undated,gateway=plaka,station=buoy-7 /);
  expect(text).toContain(`,kind="sample",timestamp="${timestamp}",`);
  expect(timeOf(text) / 1_000_000n).toBe(BigInt(Date.parse(sample.received_at as string)));
});

test.each([
  [{ kind: 'other' }, 'kind'],
  [{ temperature: 'warm' }, 'temperature'],
  [{ temperature: true }, 'temperature'],
  [{ x_a: null }, 'x_a'],
  [{ x_a: { b: 1 } }, 'x_a'],
  [{ x_a: Number.POSITIVE_INFINITY }, 'finite'],
  [{ 'x a': 1 }, 'name'],
  [{ version: 1 }, 'name'],
  [{ institute: 1 }, 'tag'],
  [{ flags: { temperature: 1.5 } }, 'flags'],
  [{ flags: [3] }, 'flags'],
  [{ location: { lat: '1' } }, 'location'],
  [{ location: 'here' }, 'location'],
  [{ received_at: 'yesterday' }, 'received_at'],
  [{ clock: 3 as unknown as string }, 'clock'],
])('%j is refused in words, before anything is sent', (wrong, word) => {
  const refused = (): string => line({ ...sample, ...wrong } as FlatRecord);
  expect(refused).toThrow(Unwritable);
  expect(refused).toThrow(word);
});

test('a place is that of the id', () => {
  expect(line(flatOf(RUN, 3))).toContain(`sequence=${parseRecordId(flatOf(RUN, 3).id)?.sequence}i`);
});

function timeOf(text: string): bigint {
  return BigInt(text.slice(text.lastIndexOf(' ') + 1));
}
