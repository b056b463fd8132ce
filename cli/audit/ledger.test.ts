import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type RunId, recordIdOf } from '../../protocol/ids.ts';
import { type Range, rangesOf } from '../../protocol/intervals.ts';
import type { JsonValue } from '../../protocol/record.ts';
import { type AuditedRecord, isComplete, Ledger, type RunReport } from './ledger.ts';

const A: RunId = '00000000-0000-8000-8000';
const B: RunId = '11111111-1111-8111-9111';
const sample = (run: RunId, sequence: number): AuditedRecord => ({
  id: recordIdOf(run, sequence),
  gateway: 'plaka',
  kind: 'sample',
});
const gap = (at: AuditedRecord, info: JsonValue): AuditedRecord => ({ ...at, kind: 'gap', info });
const boot = (at: AuditedRecord, previous: JsonValue): AuditedRecord => ({
  ...at,
  kind: 'event',
  info: { event: 'boot', previous },
});

function judged(records: readonly AuditedRecord[], run: RunId = A): RunReport {
  const ledger = new Ledger();
  for (const record of records) ledger.addRecord(record);
  return ledger.runs().find((report) => report.run === run) as RunReport;
}

test('a run that is whole has the shape of the documents', () => {
  const ledger = new Ledger();
  for (const sequence of [3, 1, 2]) ledger.addRecord(sample(A, sequence));
  expect(JSON.stringify({ ok: isComplete(ledger.runs()), runs: ledger.runs() })).toBe(
    '{"ok":true,"runs":[{"run":"00000000-0000-8000-8000","gateway":"plaka","first":1,"last":3,"records":3,' +
      '"holes":[],"duplicates":0,"gaps":[],"unsettled":0,"acked_but_missing":0}]}',
  );
});

test('what is missing between 1 and the highest is a hole, also at the beginning', () => {
  expect(judged([3, 4, 8].map((sequence) => sample(A, sequence)))).toMatchObject({
    first: 3,
    last: 8,
    records: 3,
    holes: [
      [1, 2],
      [5, 7],
    ],
  });
});

test('a later boot tells how far the run before it went, even if nothing of that run is there', () => {
  const records = [sample(A, 1), boot(sample(B, 1), recordIdOf(A, 4))];
  expect(judged(records)).toMatchObject({ last: 4, holes: [[2, 4]] });
  expect(judged(records.slice(1))).toMatchObject({
    gateway: 'plaka',
    first: null,
    last: 4,
    records: 0,
    holes: [[1, 4]],
  });
});

test('a second line of an id is a duplicate, and counts once as a record', () => {
  expect(judged([1, 2, 2, 2].map((sequence) => sample(A, sequence)))).toMatchObject({ records: 2, duplicates: 2 });
});

test('what a gateway has declared is no hole, and stands there by reason', () => {
  const records = [
    ...[1, 5, 9].map((sequence) => sample(A, sequence)),
    gap(sample(B, 1), { run: A, ranges: [[2, 3]], count: 2, reason: 'dropped' }),
    gap(sample(B, 2), {
      run: A,
      ranges: [
        [4, 4],
        [6, 6],
      ],
      count: 2,
      reason: 'dropped',
    }),
    gap(sample(B, 3), { run: A, ranges: [[8, 8]], count: 1, reason: 'rejected' }),
  ];
  expect(judged(records)).toMatchObject({
    holes: [[7, 7]],
    gaps: [
      {
        reason: 'dropped',
        count: 4,
        ranges: [
          [2, 4],
          [6, 6],
        ],
      },
      { reason: 'rejected', count: 1, ranges: [[8, 8]] },
    ],
  });
});

test('a gap or a boot that makes no sense closes no hole and stops no audit', () => {
  const odd: JsonValue[] = [
    { run: 'x', ranges: [[2, 2]] },
    { run: A },
    { run: A, ranges: 7 },
    { run: A, ranges: [[3, 2], [0, 2], [2], ['2', 2], [2, 2.5], 2, null, [2, 1e300]] },
    [],
    null,
    'text',
  ];
  const records = odd.flatMap((info, index) => [
    gap(sample(B, index + 1), info),
    boot(sample(B, index + 100), info),
    boot(sample(B, index + 200), 'x'),
  ]);
  expect(judged([sample(A, 1), sample(A, 3), ...records])).toMatchObject({ last: 3, holes: [[2, 2]] });
});

test('a gateway can neither excuse the holes of another nor give it any, in whatever order they come', () => {
  const ofEvil = (record: AuditedRecord): AuditedRecord => ({ ...record, gateway: 'evil' });
  const own = [1, 3].map((sequence) => sample(A, sequence));
  const evil = [
    ofEvil(gap(sample(B, 1), { run: A, ranges: [[2, 2]], reason: 'dropped' })),
    ofEvil(boot(sample(B, 2), recordIdOf(A, 9))),
  ];
  for (const records of [
    [...own, ...evil],
    [...evil, ...own],
  ]) {
    expect(judged(records)).toMatchObject({ gateway: 'plaka', last: 3, holes: [[2, 2]], gaps: [] });
  }
  const ledger = new Ledger();
  for (const record of evil) ledger.addRecord(record);
  ledger.addStoreRun({ run: A, gateway: 'plaka', last: 3, unsettled: [[1, 1]], acked: [] }, false);
  expect(ledger.runs().find(({ run }) => run === A)).toMatchObject({ gateway: 'plaka', last: 3, holes: [[2, 3]] });
});

test('a run of which nothing is there stands under each gateway that names it, with what that one says', () => {
  const ledger = new Ledger();
  ledger.addRecord(boot(sample(B, 1), recordIdOf(A, 2)));
  ledger.addRecord({ ...gap(sample(B, 2), { run: A, ranges: [[1, 4]], reason: 'dropped' }), gateway: 'evil' });
  expect(ledger.runs().filter(({ run }) => run === A)).toMatchObject([
    { gateway: 'evil', last: null, holes: [], gaps: [{ count: 4 }] },
    { gateway: 'plaka', last: 2, holes: [[1, 2]], gaps: [] },
  ]);
});

test('ids of other devices are counted apart', () => {
  const ledger = new Ledger();
  ledger.addRecord({ id: '74738ff5-5367-5958-9aee-98fffdcd1876', gateway: 'juice', kind: 'sample' });
  ledger.addRecord({ id: 'anything' });
  expect(ledger.foreign).toBe(2);
  expect(ledger.runs()).toEqual([]);
});

test('what the store still holds is no hole; what it has settled and nobody has is both a hole and a broken promise', () => {
  const ledger = new Ledger();
  for (const sequence of [1, 2, 5]) ledger.addRecord(sample(A, sequence));
  ledger.addRecord(gap(sample(A, 6), { run: A, ranges: [[4, 4]], reason: 'dropped' }));
  ledger.addStoreRun(
    {
      run: A,
      gateway: 'plaka',
      last: 10,
      unsettled: [
        [5, 5],
        [8, 10],
      ],
      acked: [
        [1, 4],
        [6, 7],
      ],
    },
    false,
  );
  const [report] = ledger.runs();
  expect(report).toMatchObject({
    last: 10,
    holes: [
      [3, 3],
      [7, 7],
    ],
    unsettled: 4,
    // 4 too: no gap excuses what the centre has said to have.
    acked_but_missing: 3,
  });
  expect(isComplete(ledger.runs())).toBe(false);
});

test('of a run that may grow, only what the store knew of is judged', () => {
  const holesOf = (mayGrow: boolean, last: number): unknown => {
    const ledger = new Ledger();
    for (const sequence of [1, 3, 6, 8]) ledger.addRecord(sample(A, sequence));
    ledger.addRecord(boot(sample(B, 1), recordIdOf(A, 9)));
    ledger.addStoreRun({ run: A, gateway: 'plaka', last, unsettled: [], acked: [] }, mayGrow);
    return ledger.runs()[0];
  };
  expect(holesOf(true, 6)).toMatchObject({
    last: 9,
    records: 4,
    holes: [
      [2, 2],
      [4, 5],
    ],
  });
  expect(holesOf(true, 0)).toMatchObject({ last: 9, holes: [] });
  expect(holesOf(false, 6)).toMatchObject({
    last: 9,
    holes: [
      [2, 2],
      [4, 5],
      [7, 7],
      [9, 9],
    ],
  });
});

test('records that are only on their way are no failure', () => {
  const ledger = new Ledger();
  ledger.addStoreRun({ run: A, gateway: 'plaka', last: 3, unsettled: [[1, 3]], acked: [] }, false);
  expect(ledger.runs()).toMatchObject([{ first: null, last: 3, holes: [], unsettled: 3, acked_but_missing: 0 }]);
  expect(isComplete(ledger.runs())).toBe(true);
});

const anySequence = fc.integer({ min: 1, max: 40 });
const anySet = fc.uniqueArray(anySequence, { maxLength: 30 });
const toRanges = (set: readonly number[]): Range[] => rangesOf([...set].sort((a, b) => a - b));

test('it agrees with a model that keeps every number', () => {
  fc.assert(
    fc.property(
      fc.array(anySequence, { minLength: 1, maxLength: 60 }),
      anySet,
      fc.option(anySequence),
      anySet,
      anySet,
      fc.integer({ min: 1, max: 50 }),
      (lines, dropped, previous, unsettled, acked, storeLast) => {
        const ledger = new Ledger();
        for (const sequence of lines) ledger.addRecord(sample(A, sequence));
        if (dropped.length > 0) {
          ledger.addRecord(gap(sample(B, 2), { run: A, ranges: toRanges(dropped), reason: 'dropped' }));
        }
        if (previous !== null) ledger.addRecord(boot(sample(B, 1), recordIdOf(A, previous)));
        const [inUnsettled, inAcked] = [toRanges(unsettled), toRanges(acked)];
        ledger.addStoreRun(
          { run: A, gateway: 'plaka', last: storeLast, unsettled: inUnsettled, acked: inAcked },
          false,
        );

        const last = Math.max(...lines, previous ?? 0, storeLast);
        const seen = new Set(lines);
        const accounted = new Set([...lines, ...dropped]);
        const holes: number[] = [];
        for (let sequence = 1; sequence <= last; sequence += 1) {
          if (!accounted.has(sequence) && !unsettled.includes(sequence)) holes.push(sequence);
        }
        const report = ledger.runs().find(({ run }) => run === A);
        expect(report).toEqual({
          run: A,
          gateway: 'plaka',
          first: Math.min(...lines),
          last,
          records: seen.size,
          holes: rangesOf(holes),
          duplicates: lines.length - seen.size,
          gaps: dropped.length === 0 ? [] : [{ reason: 'dropped', count: dropped.length, ranges: toRanges(dropped) }],
          unsettled: unsettled.length,
          acked_but_missing: acked.filter((sequence) => !seen.has(sequence)).length,
        });
      },
    ),
    { numRuns: 500 },
  );
});
