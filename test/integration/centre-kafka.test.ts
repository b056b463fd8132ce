/** The centre with Kafka between ingest and sinks; Kafka is in memory, everything else is real. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Centre, type CentreOptions } from '../../central/app.ts';
import type { CentralConfig } from '../../central/config/types.ts';
import type { EmbeddedBrokerStatus } from '../../central/ingest/ingest.ts';
import { recordIdOf, runIdOf } from '../../protocol/ids.ts';
import { type Clock, systemClock } from '../../runtime/clock.ts';
import { lockFile } from '../../runtime/lock.ts';
import { silentLog } from '../../runtime/log.ts';
import { systemRandom } from '../../runtime/random.ts';
import { MemoryKafka } from '../../sim/memory-kafka.ts';
import { batchOf, saltOf, samplesOf } from '../batches.ts';
import { LogLines } from '../log-lines.ts';
import { PlainGateway } from '../plain-gateway.ts';
import { eventually } from '../processes.ts';

vi.setConfig({ testTimeout: 60_000 });

const SALT = saltOf(1);
const RUN = runIdOf('plaka', SALT);
const PATIENCE_MS = 20_000;
const MQTT = { mode: 'embedded', listen: { host: '127.0.0.1', port: 0 }, tls: undefined } as const;

/** Real time, and timers that are twenty times as fast. */
const hurriedClock: Clock = {
  ...systemClock,
  sleep: (durationMs, signal) => systemClock.sleep(durationMs / 20, signal),
  after: (durationMs, action) => systemClock.after(durationMs / 20, action),
};

let folder: string;
let kafka: MemoryKafka;
let open: (() => Promise<void>)[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mooring-centre-kafka-'));
  kafka = new MemoryKafka();
});
afterEach(async () => {
  kafka.release();
  for (const close of open.reverse()) await close();
  open = [];
  rmSync(folder, { recursive: true, force: true });
});

function configOf(state: string, parts: Partial<CentralConfig> = {}): CentralConfig {
  return {
    file: 'central.yaml',
    ingest: { mqtt: MQTT, udp: undefined, intakeBytesMax: 16 * 2 ** 20 },
    kafka: {
      client: 'kafkajs',
      brokers: ['127.0.0.1:9092'],
      partitions: 2,
      replication: 1,
      prefix: 'mooring',
      retentionMs: 86_400_000,
    },
    ack: [],
    sinks: [{ kind: 'files', name: 'archive', path: join(folder, 'records'), format: 'ndjson', layout: 'date' }],
    stateDir: join(folder, state),
    logLevel: 'silent',
    ...parts,
  };
}

const NO_INGEST: CentralConfig['ingest'] = { mqtt: undefined, udp: undefined, intakeBytesMax: 0 };

async function started(config: CentralConfig, options: Partial<CentreOptions> = {}): Promise<Centre> {
  const createClient = async (): Promise<MemoryKafka> => await Promise.resolve(kafka);
  const given = { clock: hurriedClock, random: systemRandom, log: silentLog, createClient, ...options };
  const centre = new Centre(config, given);
  open.push(() => centre.stop());
  await centre.start();
  return centre;
}

async function gatewayOf(centre: Centre): Promise<PlainGateway> {
  const [broker] = centre.status().ingest as EmbeddedBrokerStatus[];
  const gateway = await PlainGateway.connect(broker?.url as string, 'plaka');
  open.push(() => gateway.end());
  return gateway;
}

const batch = (number: number, ...sequences: number[]): Uint8Array =>
  batchOf({ salt: SALT, records: samplesOf(sequences), batch: number });

/** The first answer that is not `busy`, sent again until there is one. */
async function answered(gateway: PlainGateway, first: number, ...sequences: number[]) {
  for (let number = first; ; number += 1) {
    await gateway.send(batch(number, ...sequences));
    const ack = await gateway.nextAck();
    if (ack.busy === undefined) return ack;
    await hurriedClock.sleep(ack.busy.retryAfterMs);
  }
}

const HOUR_FILE = 'records/2026/01/31/23.ndjson';

function idsIn(path: string): string[] {
  const file = join(folder, path);
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, 'utf8').split('\n').slice(0, -1);
  return lines.map((line) => (JSON.parse(line) as { id: string }).id);
}

const idsOf = (...sequences: number[]): string[] => sequences.map((sequence) => recordIdOf(RUN, sequence));

test('a record is acknowledged when Kafka has it, reaches the file by way of the topic, and is there once', async () => {
  const centre = await started(configOf('state'));
  const gateway = await gatewayOf(centre);
  expect((await answered(gateway, 1, 2, 3)).stored).toEqual([[2, 3]]);
  expect((await answered(gateway, 100, 2, 3, 4)).stored).toEqual([[2, 4]]);
  await eventually('the file has them', PATIENCE_MS, () => idsIn(HOUR_FILE).length >= 3);
  expect(idsIn(HOUR_FILE)).toEqual(idsOf(2, 3, 4));
  expect(kafka.values('mooring.records')).toHaveLength(3);
  expect(centre.status()).toMatchObject({
    state: 'running',
    intake: { stored: 3, duplicates: 2 },
    sinks: [{ name: 'archive', kind: 'files', feed: { state: 'feeding' } }],
  });
});

test('a Kafka that is not there at first is waited for: the gateway is told to come back, and nothing is missing', async () => {
  kafka.faults.isGone = true;
  const centre = await started(configOf('state'));
  const gateway = await gatewayOf(centre);
  await gateway.send(batch(1, 2));
  expect(await gateway.nextAck()).toMatchObject({ busy: {} });
  expect(centre.status().intake).toMatchObject({ isLogFailing: true });
  kafka.faults.isGone = false;
  expect((await answered(gateway, 2, 2)).stored).toEqual([[2, 2]]);
  await eventually('the file has it', PATIENCE_MS, () => idsIn(HOUR_FILE).length > 0);
});

test('records come in while another process has the folder of the sink, and are in it when that has ended', async () => {
  const other = await started(configOf('other'));
  const gateway = await gatewayOf(other);
  await answered(gateway, 1, 2);
  await eventually('the first has the folder', PATIENCE_MS, () => idsIn(HOUR_FILE).length > 0);
  // Its group goes with it: in this Kafka each reader has every partition.
  const copy = await started(configOf('state'));
  const another = await gatewayOf(copy);
  await eventually('it stands by', PATIENCE_MS, () => copy.status().sinks[0]?.feed?.state === 'standing by');
  expect((await answered(another, 200, 3)).stored).toEqual([[3, 3]]);
  await other.stop();
  await eventually('it has taken over', PATIENCE_MS, () => copy.status().sinks[0]?.feed?.state === 'feeding');
  expect((await answered(another, 300, 4)).stored).toEqual([[4, 4]]);
  await eventually('the file has all', PATIENCE_MS, () => idsIn(HOUR_FILE).length >= 3);
  expect(idsIn(HOUR_FILE)).toEqual(idsOf(2, 3, 4));
});

test('where a sink decides, a record is held while that is away, and stored when it has it', async () => {
  mkdirSync(join(folder, 'records/.mooring'), { recursive: true });
  const lock = lockFile(join(folder, 'records/.mooring/lock'));
  const centre = await started(configOf('state', { ack: ['archive'] }));
  const gateway = await gatewayOf(centre);
  expect(await answered(gateway, 1, 2)).toMatchObject({ held: { ranges: [[2, 2]], seconds: 600 } });
  expect(centre.status().intake).toMatchObject({ stored: 0, held: 1 });
  expect(kafka.values('mooring.records')).toHaveLength(1);
  lock.release();
  let ack = await gateway.nextAck();
  while (ack.stored === undefined) ack = await gateway.nextAck();
  expect(ack.stored).toEqual([[2, 2]]);
  expect(idsIn(HOUR_FILE)).toEqual(idsOf(2));
  expect(centre.status().intake).toMatchObject({ stored: 1, held: 0 });
});

test('the log of acknowledgements is fed by the topic of acknowledgements', async () => {
  const config = configOf('state');
  const acks = { kind: 'ack_log', name: 'acks', path: join(folder, 'acks.txt') } as const;
  const centre = await started({ ...config, sinks: [...config.sinks, acks] });
  const gateway = await gatewayOf(centre);
  await answered(gateway, 1, 2, 3);
  await answered(gateway, 100, 2, 3, 4);
  const lines = (): string[] => readFileSync(acks.path, 'utf8').split('\n').slice(0, -1);
  await eventually('it has them', PATIENCE_MS, () => existsSync(acks.path) && lines().length >= 3);
  expect(lines()).toEqual(idsOf(2, 3, 4));
  expect(centre.status().sinks[1]).toMatchObject({ name: 'acks', kind: 'ack_log', feed: { state: 'feeding' } });
});

test('ingest and sinks may be two centres, and the sink decides from the other one', async () => {
  const ingest = await started(configOf('ingest', { sinks: [], ack: ['archive'] }));
  const gateway = await gatewayOf(ingest);
  const first = answered(gateway, 1, 2);
  const sinks = await started(configOf('sinks', { ingest: NO_INGEST }));
  let ack = await first;
  while (ack.stored === undefined) ack = await gateway.nextAck();
  expect(ack.stored).toEqual([[2, 2]]);
  expect(idsIn(HOUR_FILE)).toEqual(idsOf(2));
  expect(ingest.status()).toMatchObject({ intake: { stored: 1 }, sinks: [] });
  expect(sinks.status()).toMatchObject({ ingest: [], sinks: [{ feed: { state: 'feeding', lag: 0 } }] });
});

test('a Kafka that has lost what was acknowledged is something that no centre goes on with', async () => {
  const first = await started(configOf('state', { sinks: [] }));
  await answered(await gatewayOf(first), 1, 2);
  await first.stop();
  kafka.wipe('cluster-2');
  const second = await started(configOf('state', { sinks: [] }));
  await eventually('it has failed', PATIENCE_MS, () => second.failed.aborted);
  expect(second.failed.reason).toMatchObject({ code: 'LOG_CHANGED' });
  const gateway = await gatewayOf(second);
  await gateway.send(batch(1, 2));
  expect(await gateway.nextAck()).toMatchObject({ busy: {} });
  await second.stop();
});

test('a second centre on one `state` is refused, by name, until the first has ended', async () => {
  const config = configOf('state', { sinks: [] });
  const first = await started(config);
  await expect(started(config)).rejects.toMatchObject({
    code: 'LOCK_HELD',
    context: { folder: config.stateDir },
    hint: 'Give each copy of the centre a `state` of its own.',
  });
  await first.stop();
  expect((await started(config)).status().state).toBe('running');
});

test('a Kafka that never answers does not keep the centre from stopping', async () => {
  const lines = new LogLines();
  const centre = await started(configOf('state'), { log: lines });
  const gateway = await gatewayOf(centre);
  await answered(gateway, 1, 2);
  kafka.faults.hangs = true;
  await gateway.send(batch(50, 3));
  const startMs = systemClock.monotonicMs();
  await centre.stop();
  expect(systemClock.monotonicMs() - startMs).toBeLessThan(2000);
  expect(lines.told).toContain('warn: the centre stops without what waits: gateways send it again');
  expect(lines.told.at(-1)).toBe('info: the centre has stopped');
});

test('what was accepted when the centre stops is in Kafka and answered', async () => {
  const centre = await started(configOf('state', { sinks: [] }));
  const gateway = await gatewayOf(centre);
  await answered(gateway, 1, 2);
  for (const sequence of [3, 4, 5]) await gateway.send(batch(100 + sequence, sequence));
  await centre.stop();
  const answers = [await gateway.nextAck(), await gateway.nextAck(), await gateway.nextAck()];
  expect(answers.map(({ stored }) => stored)).toEqual([[[3, 3]], [[4, 4]], [[5, 5]]]);
  expect(kafka.values('mooring.records')).toHaveLength(4);
});
