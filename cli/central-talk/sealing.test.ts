import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { BuoyJsonFormat } from '../../central/formats/buoy-json/buoy-json.ts';
import { TimeZone } from '../../central/formats/time-zone.ts';
import { ForeignIntake } from '../../central/ingest/foreign/foreign-intake.ts';
import { SealGate } from '../../central/ingest/foreign/seal-gate.ts';
import { TcpSource } from '../../central/ingest/foreign/tcp-source.ts';
import { systemClock } from '../../runtime/clock.ts';
import { silentLog } from '../../runtime/log.ts';
import { eventually } from '../../test/processes.ts';
import { runCentralTalk, type TalkOptions, type TalkReport } from '../central-talk.ts';

const LOGIN = { caFile: undefined, certFile: undefined, keyFile: undefined, user: undefined, passwordFile: undefined };

let folder: string;
let stored: number;
let gate: SealGate;
let source: TcpSource;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'mooring-sealing-'));
  writeFileSync(join(folder, 'key'), '5a'.repeat(32), { mode: 0o600 });
  stored = 0;
  const common = { source: 'meteo', clock: systemClock, log: silentLog };
  const intake = new ForeignIntake({
    ...common,
    format: new BuoyJsonFormat({ zone: new TimeZone('Europe/Paris') }),
    recordLog: {
      append: async (entries) => entries.map(() => ({ partition: 0, offset: stored++ })),
    },
    letters: { append: async () => undefined },
    dedupeMs: 60_000,
    bytesMax: 2 ** 20,
  });
  gate = new SealGate({ ...common, keyFile: join(folder, 'key'), memoryFile: join(folder, 'sequences.json') });
  await gate.open();
  source = new TcpSource({
    ...{ ...common, listen: { host: '127.0.0.1', port: 0 }, lineBytesMax: 1024, idleMs: 60_000 },
    ...{ connectionsPerAddressMax: 3, isReplying: true, intake, gate },
  });
  await source.open(new AbortController().signal);
});
afterEach(async () => {
  await source.close();
  await gate.close();
  rmSync(folder, { recursive: true });
});

async function talk(options: Partial<TalkOptions>): Promise<TalkReport> {
  let out = '';
  const to = new URL(`tcp://127.0.0.1:${source.status().address?.port}`);
  await runCentralTalk(
    'buoy-json',
    { to, seed: 5, speed: 1, rate: 2000, startMs: 0, broker: LOGIN, json: true, ...options },
    {
      ...{ clock: systemClock, pid: 1, stop: new AbortController().signal },
      streams: { out: { write: (text) => (out += text) }, err: { write: () => undefined } },
    },
  );
  return JSON.parse(out) as TalkReport;
}

test('over TCP, sealed: each message is taken once, what comes twice is replayed, and what was broken is sealed as it is', async () => {
  const report = await talk({ count: 300, duplicates: 0.1, reorder: 0.1, malformed: 0.1, seal: join(folder, 'key') });
  expect([report.sent, report.unknown]).toEqual([300 + report.copies, 0]);
  await eventually('all are heard', 10_000, () => source.status().received === report.sent);
  await eventually('all are stored', 10_000, () => stored === 300 - report.malformed);
  expect(gate.status()).toEqual({ refused: { forged: 0, replayed: report.copies, older: 0 }, senders: 2 });
});

test('without the key nothing is taken, and over MQTT nothing is sealed', async () => {
  await talk({ count: 1 });
  await eventually('it is refused', 10_000, () => gate.status().refused.forged === 1);
  expect(stored).toBe(0);
  const to = new URL('mqtt://127.0.0.1:1');
  await expect(talk({ to, seal: join(folder, 'key') })).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
});
