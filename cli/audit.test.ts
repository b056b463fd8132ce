import { appendFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { DayManifests } from '../central/manifests/day-manifests.ts';
import type { FlatRecord } from '../central/recordlog/recordlog.ts';
import { nodeDisk } from '../central/sinks/disk.ts';
import { ParquetRecordFile } from '../central/sinks/parquet/record-file.ts';
import { MooringError } from '../runtime/errors.ts';
import { silentLog } from '../runtime/log.ts';
import { SteppedClock } from '../sim/clock.ts';
import { flatOf, runOf, span } from '../test/conformance/entries.ts';
import { foreignOf, storeRecordOf } from '../test/conformance/remote-records.ts';
import type { StoreRun } from './audit/ledger.ts';
import { type AuditOptions, type AuditReport, audit, type OpenStore, runAudit } from './audit.ts';

const RUN = runOf(1);
const HOUR = '2026/01/31/23.ndjson';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mooring-audit-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const write = (path: string, text: string): void => {
  mkdirSync(join(folder, dirname(path)), { recursive: true });
  appendFileSync(join(folder, path), text);
};
const linesOf = (records: readonly FlatRecord[]): string =>
  records.map((record) => `${JSON.stringify(record)}\n`).join('');
const records = (sequences: readonly number[]): FlatRecord[] => sequences.map((sequence) => flatOf(RUN, sequence));

const storeWith =
  (runs: readonly StoreRun[], forwarders: readonly string[] = ['centre']): OpenStore =>
  () => ({ forwarders, runs: () => runs, close: () => undefined });

async function run(
  options: AuditOptions & { readonly json?: boolean } = {},
  openStore?: OpenStore,
): Promise<{ status: number; text: string }> {
  let text = '';
  const out = {
    write(part: string): void {
      text += part;
    },
  };
  const status = await runAudit(folder, { json: false, ...options }, out, openStore);
  return { status, text };
}

test('a complete folder: status 0, one object, its keys as documented', async () => {
  write(HOUR, linesOf(records(span(1, 20))));
  write('2026/02/01/00.ndjson', linesOf(records(span(21, 30))));
  const { status, text } = await run({ json: true });
  expect(status).toBe(0);
  expect(text).toBe(
    `{"ok":true,"runs":[{"run":"${RUN}","gateway":"plaka","first":1,"last":30,"records":30,"holes":[],"duplicates":0,` +
      '"gaps":[],"unsettled":0,"acked_but_missing":0}],"foreign":0,"unfinished":[]}\n',
  );
});

test('Parquet is read as lines are, and a name that is there as both is read once', async () => {
  const file = new ParquetRecordFile();
  const gap = { ...flatOf(RUN, 21), kind: 'gap', info: { run: RUN, ranges: [[5, 6]], reason: 'dropped' } };
  for (const flat of [...records([1, 2, 3, 4, 9]), gap, foreignOf(1)]) file.add(storeRecordOf(flat));
  write('2026/02/01/00-2.parquet', '');
  writeFileSync(join(folder, '2026/02/01/00-2.parquet'), file.finish());
  write(HOUR, linesOf(records([7, 8])));
  write(HOUR.replace('ndjson', 'parquet'), 'not looked at');
  write('undated/2026-02-01.ndjson', linesOf(records([10])));
  write('user/plaka/2026/02/01/00.ndjson', linesOf(records(span(11, 20))));
  const { status, text } = await run({ json: true });
  expect(JSON.parse(text)).toMatchObject({ runs: [{ records: 19, holes: [], duplicates: 0 }], foreign: 1 });
  expect(status).toBe(0);
  write('2026/02/01/01.parquet', 'no Parquet');
  expect(await run()).toMatchObject({
    status: 2,
    text: expect.stringContaining('01.parquet: cannot be read as Parquet'),
  });
});

test('for people: a row a run, the sequences behind each number, and one line of verdict', async () => {
  write(HOUR, linesOf(records([2, 3, 3, 6, 10])));
  const gap = { ...flatOf(RUN, 11), kind: 'gap', info: { run: RUN, ranges: [[4, 5]], reason: 'dropped' } };
  write(HOUR, linesOf([gap, { ...flatOf(RUN, 1), id: '74738ff5-5367-5958-9aee-98fffdcd1876' }]));
  const { status, text } = await run();
  expect(status).toBe(1);
  expect(text.split('\n')).toEqual([
    'run                      last  records  missing  twice  gaps',
    'gateway plaka',
    `${RUN}    11        5        4      1     2`,
    `${RUN} missing: 1, 7-9`,
    `${RUN} declared gap (dropped): 4-5`,
    'NOT COMPLETE: 5 records of 1 run, 4 missing, 1 twice, 1 foreign record not judged',
    '',
  ]);
});

test('with a store: what is still to be sent is told, what was acknowledged and is missing fails', async () => {
  write(HOUR, linesOf(records([1, 2])));
  const store = (acked: StoreRun['acked']): OpenStore =>
    storeWith([{ run: RUN, gateway: 'plaka', last: 4, unsettled: [[3, 4]], acked }]);
  const whole = await run({ store: 'store.db', json: true }, store([[1, 2]]));
  expect(whole.status).toBe(0);
  expect((JSON.parse(whole.text) as AuditReport).runs[0]).toMatchObject({ last: 4, holes: [], unsettled: 2 });

  const broken = await run(
    { store: 'store.db' },
    storeWith([{ run: RUN, gateway: 'plaka', last: 4, unsettled: [[4, 4]], acked: [[1, 3]] }]),
  );
  expect(broken.status).toBe(1);
  expect(broken.text).toContain('0 twice, 1 unsent, 1 lost (acknowledged, not in the files)\n');
});

test('a row of a run of a hundred million records fits into 80 columns, whatever its gateway is called', async () => {
  const last = 99_999_999;
  const gateway = 'g'.repeat(63);
  const store = storeWith([{ run: RUN, gateway, last, unsettled: [[1, last]], acked: [] }]);
  write(HOUR, linesOf([flatOf(runOf(2), 1)]));
  const lines = (await run({ store: 'store.db' }, store)).text.split('\n').slice(0, -2);
  expect(lines[0]).toBe('run                          last  records  missing  twice  gaps    unsent  lost');
  expect(lines).toContain(`gateway ${gateway}`);
  expect(Math.max(...lines.map(({ length }) => length))).toBe(80);
});

test('of several forwarders one has to be named, and it has to be there', async () => {
  write(HOUR, linesOf(records([1])));
  const store = storeWith([], ['centre', 'spare']);
  expect(await run({ store: '/x/store.db' }, store)).toEqual({
    status: 2,
    text: '/x/store.db: has several forwarders. Name one with --forwarder: centre, spare.\n',
  });
  expect(await run({ store: '/x/store.db', forwarder: 'center' }, store)).toEqual({
    status: 2,
    text: '/x/store.db: has no forwarder center. Name one with --forwarder: centre, spare.\n',
  });
  expect((await run({ store: '/x/store.db', forwarder: 'spare' }, store)).status).toBe(0);
});

test('a store that is not there is told as such', async () => {
  write(HOUR, linesOf(records([1])));
  const store = join(folder, 'nosuch.db');
  const text = `${store}: there is no such file. Give the gateway's \`store.path\`.\n`;
  expect(await run({ store })).toEqual({ status: 2, text });
});

test('a store that cannot be read is status 2, with its reason', async () => {
  write(HOUR, linesOf(records([1])));
  const { status, text } = await run({ store: '/x/store.db', json: true }, () => {
    throw new MooringError('STORE_DAMAGED', 'is no store', { context: { path: '/x/store.db' }, hint: 'Look.' });
  });
  expect(status).toBe(2);
  expect(JSON.parse(text)).toEqual({
    ok: false,
    error: { code: 'STORE_DAMAGED', place: '/x/store.db', message: 'is no store', hint: 'Look.' },
  });
});

test('a line that is not a record is named by file and line, whatever it is', async () => {
  for (const line of ['{"id":', 'x', '', '7', 'null', '[]', '{}', '{"id":7}', '\u0000\u0000', '"\udc00"']) {
    rmSync(join(folder, '2026'), { recursive: true, force: true });
    write(HOUR, `${linesOf(records([1, 2]))}${line}\n${linesOf(records([3]))}`);
    expect(await run(), line).toEqual({
      status: 2,
      text: `${join(folder, HOUR)}:3: is not a record. Something else than the sink has written there.\n`,
    });
  }
});

test('a line without end is refused before it fills the memory', async () => {
  write(HOUR, linesOf(records([1])));
  write(HOUR, 'x'.repeat(3 * 2 ** 20));
  expect((await run()).text).toContain(`${HOUR}:2: is not a record`);
});

test('a last line that is not finished is told and not counted', async () => {
  write(HOUR, linesOf(records(span(1, 5))) + JSON.stringify(flatOf(RUN, 6)).slice(0, 40));
  write('2026/02/01/00.ndjson', JSON.stringify(flatOf(RUN, 6)));
  const report = await audit(folder);
  expect(report.ok).toBe(true);
  expect(report.runs[0]?.records).toBe(5);
  expect(report.unfinished).toEqual([`${join(folder, HOUR)}:6`, `${join(folder, '2026/02/01/00.ndjson')}:1`]);
  expect((await run()).text).toContain(`${HOUR}:6: last line is not finished; not counted\n`);
});

test('lines are read whole wherever the reads of the file fall', async () => {
  const all = records(span(1, 4000)).map((record) => ({
    ...record,
    x_note: '🌊'.repeat(Number(record.id.length) * 3),
  }));
  write(HOUR, linesOf(all));
  const { runs } = await audit(folder);
  expect(runs[0]).toMatchObject({ records: 4000, last: 4000, holes: [], duplicates: 0 });
});

test('where no run is known there is nothing to judge, and that is no success', async () => {
  mkdirSync(join(folder, '.mooring'));
  expect(await run({ json: true })).toEqual({
    status: 2,
    text: '{"ok":false,"runs":[],"foreign":0,"unfinished":[]}\n',
  });
  const unsettled = storeWith([{ run: RUN, gateway: 'plaka', last: 4, unsettled: [[1, 4]], acked: [] }]);
  expect((await run({ store: 'store.db' }, storeWith([]))).status).toBe(2);
  expect(await run({ store: 'store.db' }, unsettled)).toMatchObject({ status: 0 });
  write(HOUR, linesOf([{ ...flatOf(RUN, 1), id: '74738ff5-5367-5958-9aee-98fffdcd1876' }]));
  expect(await run()).toMatchObject({
    status: 2,
    text: expect.stringContaining('nothing to judge: 0 records of 0 runs, 0 missing, 0 twice, 1 foreign record'),
  });
});

test('only a store tells that nothing is missing after the newest record', async () => {
  write(HOUR, linesOf(records(span(1, 3))));
  expect((await run()).text).toMatch(/\ncomplete up to the newest record in the files: 3 records of 1 run/);
  const store = storeWith([{ run: RUN, gateway: 'plaka', last: 3, unsettled: [], acked: [[1, 3]] }]);
  expect((await run({ store: 'store.db' }, store)).text).toMatch(/\ncomplete: 3 records of 1 run/);
});

test('what a running gateway makes while the files are read is no hole, in whatever order it arrives', async () => {
  const stored = (number: number, last: number): StoreRun => {
    return { run: runOf(number), gateway: 'plaka', last, unsettled: [], acked: [[1, last]] };
  };
  write(HOUR, linesOf([...records([...span(1, 90), 96, 97]), flatOf(runOf(2), 7), flatOf(runOf(3), 2)]));
  const readings = [
    [stored(3, 1), stored(1, 90)],
    [stored(3, 1), stored(1, 97), stored(2, 7)],
  ];
  const store: OpenStore = () => ({
    forwarders: ['centre'],
    runs: () => readings.shift() ?? [],
    close: () => undefined,
  });
  const { status, text } = await run({ store: 'store.db', json: true }, store);
  const holes = (JSON.parse(text) as AuditReport).runs.map((report) => [report.run, report.holes]);
  expect(Object.fromEntries(holes)).toEqual({ [RUN]: [], [runOf(2)]: [], [runOf(3)]: [[1, 1]] });
  expect(status).toBe(1);
});

test('a folder that is not one of a sink is refused; one that a sink has begun may be empty', async () => {
  expect((await run()).text).toContain(`${folder}: holds no records. Give the folder that a \`files\` sink writes to.`);
  writeFileSync(join(folder, '00.ndjson'), 'x');
  expect((await run()).status).toBe(2);
  mkdirSync(join(folder, '.mooring'));
  expect((await run()).text).toMatch(/\nnothing to judge: 0 records of 0 runs/);
  rmSync(folder, { recursive: true });
  expect(await run()).toMatchObject({ status: 2 });
});

test('manifests are no records, and where it is asked for each file is held to them', async () => {
  write(HOUR, linesOf(records(span(1, 20))));
  write('2026/02/01/00.ndjson', linesOf(records(span(21, 30))));
  const clock = new SteppedClock(Date.parse('2026-02-02T03:00:00.000Z'));
  const temporaryDir = join(folder, '.mooring/tmp');
  const manifests = new DayManifests({ root: folder, temporaryDir, disk: nodeDisk, clock, log: silentLog });
  expect(await manifests.make(new AbortController().signal)).toBe(2);
  expect(await run()).toMatchObject({ status: 0 });
  const intact = await run({ manifests: true });
  expect(intact.status).toBe(0);
  expect(intact.text).toContain(
    'complete up to the newest record in the files: 30 records of 1 run, 0 missing, 0 twice',
  );
  expect(intact.text).toContain(', 2 files as in 2 manifests, 0 not\n');
  writeFileSync(join(folder, HOUR), linesOf(records(span(1, 20))).replace('buoy-7', 'buoy-8'));
  expect(await run()).toMatchObject({ status: 0 });
  const changed = await run({ manifests: true });
  expect(changed.status).toBe(1);
  expect(changed.text).toContain(`${HOUR}: changed since its manifest was made\nNOT COMPLETE: `);
  expect(JSON.parse((await run({ manifests: true, json: true })).text)).toMatchObject({
    ok: false,
    manifests: { manifests: 2, intact: 1, wrong: [{ path: HOUR, what: 'changed' }] },
  });
});
