/** What was refused is looked at and put back, over a real Kafka. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { loadCentralConfig } from '../central/config/config.ts';
import { LogVisit } from '../central/deadletter/log-visit.ts';
import type { DeadLetter } from '../central/ingest/dead-letter.ts';
import { letterLine } from '../central/ingest/dead-letter.ts';
import { createKafkaClient } from '../central/recordlog/kafka/clients.ts';
import { KafkaDeadLetters } from '../central/recordlog/kafka/dead-letters.ts';
import { KafkaForeignLetters } from '../central/recordlog/kafka/foreign-records.ts';
import { recordIdOf } from '../protocol/ids.ts';
import { systemClock } from '../runtime/clock.ts';
import { silentLog } from '../runtime/log.ts';
import { systemRandom } from '../runtime/random.ts';
import { runOf } from '../test/conformance/entries.ts';
import { sharedKafka } from '../test/kafka/shared.ts';
import { Topics } from '../test/kafka/topics.ts';
import { type LetterListOptions, runLetterList, runLetterReplay, runLetterShow } from './central-deadletter.ts';

const RECEIVED_MS = Date.UTC(2026, 0, 31, 9);
const ALL: LetterListOptions = { limit: 100, json: true };

let folder: string;
let out: string;
let err: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mooring-letters-'));
  out = '';
  err = '';
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const host = {
  clock: systemClock,
  random: systemRandom,
  stop: new AbortController().signal,
  streams: { out: { write: (text: string) => (out += text) }, err: { write: (text: string) => (err += text) } },
};

const RUN = runOf(1);
const MESSAGE = '31.01.2026 9:00;12.5;3400';

function flatOf(sequence: number): string {
  const timestamp = '2026-01-31T09:00:00.000Z';
  const id = recordIdOf(RUN, sequence);
  return JSON.stringify({
    id,
    gateway: 'plaka',
    station: 'buoy',
    kind: 'sample',
    timestamp,
    clock: 'synced',
    depth: 1,
  });
}

function letterOf(sequence: number, json: string): DeadLetter {
  return { code: 'too_large', reason: 'larger', gateway: 'plaka', run: RUN, sequence, receivedAtMs: RECEIVED_MS, json };
}

function mappedWith(decimal: string): void {
  const mapping = `message: delimited
separator: ";"
columns: [time, volume, battery]
decimal: "${decimal}"
source_id: [$topic.0]
time: { field: [time], form: pattern, pattern: "DD.MM.YYYY H:mm", zone: Europe/Athens }
metrics:
  x_volume: { field: volume, unit: m³ }
  battery_voltage: { field: battery, unit: mV }
`;
  writeFileSync(join(folder, 'meters.yaml'), mapping);
}

function configured(...lines: readonly string[]): string {
  const file = join(folder, 'central.yaml');
  writeFileSync(
    file,
    [...lines, `state: ${join(folder, 'state')}`, 'log_level: silent'].map((line) => `${line}\n`).join(''),
  );
  return file;
}

/** Says what a verb printed, as JSON. */
async function printed(work: Promise<number>): Promise<{ status: number; letters: Record<string, unknown>[] }> {
  out = '';
  const status = await work;
  return { status, letters: JSON.parse(out).letters };
}

/** The letters that a centre's three writers leave, and one in a file. */
async function written(file: string, brokers: readonly string[]): Promise<void> {
  const { kafka } = loadCentralConfig(file);
  if (kafka === undefined) throw new Error('the test has Kafka');
  const client = await createKafkaClient('kafkajs', { brokers, clientId: 'test', clock: systemClock, log: silentLog });
  const visit = new LogVisit({ ...host, client, kafka, log: silentLog });
  await visit.open(host.stop);
  const shared = { ...visit, clock: systemClock };
  const letters = new KafkaDeadLetters({ ...shared, files: { append: () => Promise.reject(new Error('not asked')) } });
  await letters.append([letterOf(1, flatOf(1)), letterOf(2, '{"sequence":2,"metrics":{"temperature":"hot"}}')]);
  const poison = { topic: visit.topics.names.records, partition: 0, sink: 'archive', reason: 'the store refuses it' };
  await letters.appendMessages([
    { ...poison, offset: 7, value: Buffer.from(flatOf(3)) },
    { ...poison, offset: 8, value: Buffer.from([0xff, 0x00]) },
  ]);
  await new KafkaForeignLetters(shared).append({
    source: 'meters',
    topic: 'w1',
    bytes: Buffer.from(MESSAGE),
    receivedAtMs: RECEIVED_MS,
    refused: [{ code: 'invalid_record', reason: 'volume is no number', text: '12.5' }],
  });
  await visit.close();
  mkdirSync(join(folder, 'state', 'deadletter'), { recursive: true });
  writeFileSync(join(folder, 'state', 'deadletter', '2026-01-31.ndjson'), `${letterLine(letterOf(4, flatOf(4)))}\n`);
}

test('without Kafka the files are listed and shown, and nothing can be replayed', async () => {
  const file = configured(
    'ingest: { udp: { listen: 127.0.0.1:0, keys: . } }',
    'sinks: { archive: { files: { path: records } } }',
  );
  expect(await printed(runLetterList(file, ALL, host))).toEqual({ status: 0, letters: [] });
  mkdirSync(join(folder, 'state', 'deadletter'), { recursive: true });
  const lines = [
    letterLine(letterOf(1, flatOf(1))),
    'no JSON',
    letterLine({ ...letterOf(2, '{}'), reason: 'a\u001b[2Jb' }),
  ];
  writeFileSync(join(folder, 'state', 'deadletter', '2026-01-31.ndjson'), lines.map((line) => `${line}\n`).join(''));
  const { letters } = await printed(runLetterList(file, ALL, host));
  expect(letters.map(({ id, kind, origin }) => [id, kind, origin])).toEqual([
    ['2026-01-31.ndjson:2', 'unreadable', ''],
    ['2026-01-31.ndjson:1', 'gateway', 'plaka'],
    ['2026-01-31.ndjson:3', 'gateway', 'plaka'],
  ]);
  out = '';
  await runLetterList(file, { limit: 1, json: false, gateway: 'plaka' }, host);
  expect(out).toBe(
    [
      'time                      from           code       id                   reason',
      '2026-01-31T09:00:00.000Z  gateway plaka  too_large  2026-01-31.ndjson:3  a [2Jb',
      '',
      '1 letter, and 1 older',
      '',
    ].join('\n'),
  );
  const replay = runLetterReplay(file, { ...ALL, ids: ['2026-01-31.ndjson:1'] }, host);
  await expect(replay).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  expect(await runLetterShow(file, '1-1', { json: false }, host)).toBe(1);
  expect(err).toContain('there is no letter 1-1');
});

describe('over a real Kafka', { tags: ['kafka'], timeout: 120_000 }, () => {
  test('letters are listed, shown, put back under their ids once what was wrong is mended, and then no longer open', async () => {
    const address = await sharedKafka();
    const prefix = `letters-${Buffer.from(systemRandom.bytes(4)).toString('hex')}`;
    const file = configured(
      'role: bridge',
      'sources: { meters: { format: mapping, mapping: meters.yaml, udp: { listen: 127.0.0.1:0 } } }',
      `kafka: { brokers: ['${address}'], partitions: 2, prefix: ${prefix} }`,
    );
    mappedWith(',');
    await written(file, [address]);
    const { letters } = await printed(runLetterList(file, ALL, host));
    expect(letters.map(({ kind, origin }) => `${kind} ${origin}`).sort()).toEqual([
      'gateway plaka',
      'gateway plaka',
      'gateway plaka',
      'sink archive',
      'sink archive',
      'source meters',
    ]);
    const meters = letters.find(({ kind }) => kind === 'source')?.id as string;
    out = '';
    expect(await runLetterShow(file, meters, { json: false }, host)).toBe(0);
    expect(out).toMatch(/^id: \d-\d+\nkind: source\nreason: volume is no number\n/);
    expect(out).toContain(`message:\n${MESSAGE}\n`);

    const still = await printed(runLetterReplay(file, { ...ALL, source: 'meters', ids: [] }, host));
    expect(still).toMatchObject({ status: 1, letters: [{ id: meters, state: 'refused' }] });
    mappedWith('.');
    const mended = await printed(runLetterReplay(file, { ...ALL, ids: [meters] }, host));
    expect(mended).toEqual({ status: 0, letters: [{ id: meters, state: 'replayed', records: 1 }] });
    const ofSink = await printed(runLetterReplay(file, { ...ALL, sink: 'archive', ids: [] }, host));
    expect(ofSink.status).toBe(1);
    expect(ofSink.letters.map(({ state }) => state).sort()).toEqual(['refused', 'replayed']);
    const ofGateway = await printed(runLetterReplay(file, { ...ALL, gateway: 'plaka', ids: [] }, host));
    expect(ofGateway.letters.map(({ state }) => state).sort()).toEqual(['refused', 'replayed', 'replayed']);

    const records = (await new Topics(address).read(`${prefix}.records`)).map(({ key, value }) => [
      key,
      JSON.parse(value),
    ]);
    expect(records.map(([key, { id }]) => (key === 'plaka' ? id : key)).sort()).toEqual(
      [...[1, 3, 4].map((sequence) => recordIdOf(RUN, sequence)), 'meters/w1'].sort(),
    );
    expect(records.find(([key]) => key === 'meters/w1')?.[1]).toMatchObject({ x_volume: 12.5, battery_voltage: 3.4 });
    expect((await printed(runLetterList(file, ALL, host))).letters).toHaveLength(2);
    const all = (await printed(runLetterList(file, { ...ALL, all: true }, host))).letters;
    expect(all.filter(({ replayed }) => replayed)).toHaveLength(4);
  });
});
