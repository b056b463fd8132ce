import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { BuoyJsonFormat } from '../central/formats/buoy-json/buoy-json.ts';
import { TimeZone } from '../central/formats/time-zone.ts';
import { ForeignIntake } from '../central/ingest/foreign/foreign-intake.ts';
import { UdpSource } from '../central/ingest/foreign/udp-source.ts';
import type { FlatRecord } from '../central/recordlog/recordlog.ts';
import { systemClock } from '../runtime/clock.ts';
import { silentLog } from '../runtime/log.ts';
import { eventually } from '../test/processes.ts';
import { runCentralHeard } from './central-heard.ts';
import type { HeardReport } from './central-talk/judge.ts';
import type { TruthLine } from './central-talk/truth.ts';
import { runCentralTalk, type TalkOptions, type TalkReport } from './central-talk.ts';

const NO_LOGIN = {
  caFile: undefined,
  certFile: undefined,
  keyFile: undefined,
  user: undefined,
  passwordFile: undefined,
};

let folder: string;
let stored: FlatRecord[];
let source: UdpSource;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'mooring-talk-'));
  stored = [];
  const common = { source: 'meteo', clock: systemClock, log: silentLog };
  const intake = new ForeignIntake({
    ...common,
    format: new BuoyJsonFormat({ zone: new TimeZone('Europe/Paris') }),
    recordLog: {
      append: async (entries) => entries.map(({ flat }) => ({ partition: 0, offset: stored.push(flat) - 1 })),
    },
    letters: { append: async () => undefined },
    dedupeMs: 60_000,
    bytesMax: 2 ** 20,
  });
  const listen = { host: '127.0.0.1', port: 0 };
  source = new UdpSource({ ...common, listen, datagramBytesMax: 1024, isReplying: false, intake });
  await source.open(new AbortController().signal);
});
afterEach(async () => {
  await source.close();
  rmSync(folder, { recursive: true, force: true });
});

const truthFile = (): string => join(folder, 'truth');

async function talk(options: Partial<TalkOptions> = {}): Promise<{ status: number; report: TalkReport }> {
  let out = '';
  const to = new URL(`udp://127.0.0.1:${source.status().address?.port}`);
  const status = await runCentralTalk(
    'buoy-json',
    { to, seed: 5, speed: 1, rate: 2000, startMs: 0, broker: NO_LOGIN, truth: truthFile(), json: true, ...options },
    {
      clock: systemClock,
      pid: 1,
      stop: new AbortController().signal,
      streams: { out: { write: (text) => (out += text) }, err: { write: () => undefined } },
    },
  );
  return { status, report: JSON.parse(out) as TalkReport };
}

async function heard(): Promise<{ status: number; report: HeardReport }> {
  const day = join(folder, 'records', '1970', '01', '01');
  mkdirSync(day, { recursive: true });
  writeFileSync(join(day, '00.ndjson'), stored.map((record) => `${JSON.stringify(record)}\n`).join(''));
  let out = '';
  const status = await runCentralHeard(
    truthFile(),
    join(folder, 'records'),
    { json: true },
    { write: (text) => (out += text) },
  );
  return { status, report: JSON.parse(out) as HeardReport };
}

test('what devices say over a poor link is there once, and the truth says what was sent, lost, twice and malformed', async () => {
  const { status, report } = await talk({ count: 400, loss: 0.1, duplicates: 0.1, reorder: 0.1, malformed: 0.1 });
  expect([status, report.messages, report.unknown]).toEqual([0, 400, 0]);
  for (const count of [report.lost, report.copies, report.malformed]) expect(count).toBeGreaterThan(10);
  const truth = readFileSync(truthFile(), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as TruthLine);
  expect(truth).toHaveLength(report.sent + report.lost);
  const sound = report.messages - report.lost - report.malformed;
  await eventually('the source has them', 10_000, () => stored.length >= sound);
  expect((await heard()).report).toEqual({
    ok: true,
    expected: sound,
    found: sound,
    missing: [],
    missing_count: 0,
    repeated: 0,
    unexpected: [],
    unexpected_count: 0,
    refused: 0,
  });
  const [first, second] = stored as [FlatRecord, FlatRecord];
  stored = [{ ...first, temperature: -40 }, ...stored.slice(1), { ...second, id: 'another' }];
  expect(await heard()).toMatchObject({
    status: 1,
    report: { ok: false, found: sound - 1, missing_count: 1, repeated: 1, unexpected_count: 1 },
  });
});

test('it ends by its time, and one that says nothing is judged as nothing', async () => {
  const { report } = await talk({ rate: 50, forMs: 190 });
  expect(report.messages).toBe(10);
  await talk({ count: 5, loss: 1 });
  stored = [];
  expect((await heard()).status).toBe(2);
});

test('a way that there is not, and a file that cannot be written, are errors of the start', async () => {
  await expect(talk({ to: new URL('ftp://127.0.0.1') })).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  await expect(talk({ truth: join(folder, 'none', 'truth') })).rejects.toMatchObject({ code: 'CONFIG_UNREADABLE' });
  await expect(talk({ to: new URL('http://127.0.0.1:1'), token: join(folder, 'none') })).rejects.toMatchObject({
    code: 'CONFIG_UNREADABLE',
  });
  await expect(talk({ to: new URL('mqtt://127.0.0.1:1') })).rejects.toMatchObject({ code: 'LINK_DOWN' });
});
