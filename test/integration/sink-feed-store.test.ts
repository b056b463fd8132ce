/** A centre of sinks alone, over a real Kafka, which other tests share, into files and into a store that runs elsewhere. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Centre } from '../../central/app.ts';
import { loadCentralConfig } from '../../central/config/config.ts';
import type { KafkaAdmin, KafkaClient } from '../../central/recordlog/kafka/client.ts';
import { createKafkaClient } from '../../central/recordlog/kafka/clients.ts';
import type { FlatRecord } from '../../central/recordlog/recordlog.ts';
import { systemClock } from '../../runtime/clock.ts';
import { silentLog } from '../../runtime/log.ts';
import { systemRandom } from '../../runtime/random.ts';
import { flatOf, runOf, span } from '../conformance/entries.ts';
import { recordsIn } from '../conformance/files-sink.ts';
import { harness } from '../conformance/influxdb-harness.ts';
import { foreignOf } from '../conformance/remote-records.ts';
import type { Engine } from '../conformance/remote-store.ts';
import { sharedKafka } from '../kafka/shared.ts';
import { Topics } from '../kafka/topics.ts';
import { LogLines } from '../log-lines.ts';
import { eventually } from '../processes.ts';

const TIMEOUT_MS = 240_000;
const PATIENCE_MS = 60_000;
const PARTITIONS = 3;
const RUN = runOf(1);

let folder = '';
let address = '';
let client: KafkaClient;
let admin: KafkaAdmin;
let prefix = '';
let engine: Engine;
let place = '';
let open: (() => Promise<void>)[] = [];
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'mooring-feed-store-'));
  address = await sharedKafka();
  prefix = `stores-${Buffer.from(systemRandom.bytes(4)).toString('hex')}`;
  const shared = { clock: systemClock, log: silentLog };
  client = await createKafkaClient('kafkajs', { ...shared, brokers: [address], clientId: 'test' });
  admin = client.createAdmin();
  open.push(() => admin.close());
  engine = await harness.start();
  open.push(() => engine.stop());
  place = await engine.newPlace();
}, PATIENCE_MS);
afterEach(async () => {
  for (const close of open.reverse()) await close();
  open = [];
  rmSync(folder, { recursive: true, force: true });
}, PATIENCE_MS);

async function started(): Promise<{ readonly centre: Centre; readonly lines: LogLines }> {
  const { url, database } = JSON.parse(place) as { url: string; database: string };
  const file = join(folder, 'central.yaml');
  writeFileSync(
    file,
    `kafka: { brokers: [${address}], partitions: ${PARTITIONS}, prefix: ${prefix} }
sinks:
  archive: { files: { path: records } }
  series:
    influxdb: { url: ${url}, database: ${database}, measurement: sensor_data, tags: [institute, classroom] }
    batch: 200
  alarms: { influxdb: { url: ${url}, database: alarms }, take: { kinds: [alarm] } }
state: state
`,
  );
  const lines = new LogLines();
  const centre = new Centre(loadCentralConfig(file), { clock: systemClock, random: systemRandom, log: lines });
  open.push(() => centre.stop());
  await centre.start();
  await eventually('all are fed', PATIENCE_MS, () =>
    centre.status().sinks.every(({ feed }) => feed?.state === 'feeding') ? true : undefined,
  );
  return { centre, lines };
}

async function produce(values: readonly string[]): Promise<void> {
  const producer = await client.createProducer();
  const topic = `${prefix}.records`;
  await producer.send(values.map((value, index) => ({ topic, partition: index % PARTITIONS, key: 'plaka', value })));
  await producer.close();
}

const samples = (first: number, last: number): FlatRecord[] =>
  span(first, last).map((sequence) => flatOf(RUN, sequence));
const texts = (flats: readonly FlatRecord[]): string[] => flats.map((flat) => JSON.stringify(flat));
const idsOf = (flats: readonly FlatRecord[]): string[] => flats.map(({ id }) => id).sort();

/** Messages that are in the topic and not behind the offsets of a sink's group. */
async function lagOf(sink: string): Promise<number> {
  const topic = `${prefix}.records`;
  const committed = await admin.committed(`${prefix}.${sink}`, topic);
  return (await admin.offsets(topic)).reduce((sum, { end }, partition) => sum + end - (committed[partition] ?? 0), 0);
}

async function untilDrained(...sinks: readonly string[]): Promise<void> {
  for (const sink of sinks) await eventually(`${sink} has all`, PATIENCE_MS, async () => (await lagOf(sink)) === 0);
}

/** Sink, reason and what came of each letter. */
async function letters(): Promise<readonly (readonly [string, string, string])[]> {
  return (await new Topics(address).read(`${prefix}.deadletter`)).map(({ value }) => {
    const { sink, reason, message } = JSON.parse(value) as { sink: string; reason: string; message: string };
    return [sink, reason, message] as const;
  });
}

test('a store has every id once, poison is in the dead letter, and while the store is gone the files go on', {
  tags: ['kafka', 'influxdb'],
  timeout: TIMEOUT_MS,
}, async () => {
  const first = await started();
  const text = JSON.stringify({ ...flatOf(runOf(2), 1), temperature: 'warm' });
  const foreign = JSON.stringify(foreignOf(1));
  await produce([...texts(samples(1, 300)), text, foreign, '{"id":', ...texts(samples(290, 320))]);
  await untilDrained('archive', 'series', 'alarms');
  expect(new Set(await letters())).toEqual(
    new Set([
      ...['archive', 'series', 'alarms'].map((sink) => [sink, 'it is not JSON', '{"id":']),
      ['series', 'its metric temperature is a text, not a number', text],
    ]),
  );
  expect(idsOf(await harness.read(place))).toEqual(idsOf([...samples(1, 320), foreignOf(1)]));

  engine.pause();
  await produce(texts(samples(321, 900)));
  await untilDrained('archive');
  expect(await lagOf('series')).toBeGreaterThanOrEqual(580);
  await engine.restart();
  await produce(texts(samples(850, 1000)));
  await untilDrained('archive', 'series');
  await first.centre.stop();

  // Where the group is by then, and with what is in the log twice.
  const second = await started();
  await produce(texts(samples(990, 1020)));
  await untilDrained('archive', 'series', 'alarms');
  const expected = idsOf([...samples(1, 1020), foreignOf(1)]);
  expect(idsOf(await harness.read(place))).toEqual(expected);
  const archived = recordsIn(join(folder, 'records')).map(({ id }) => id);
  expect(archived.filter((id) => id.startsWith(RUN))).toHaveLength(1020);
  expect(archived).toContain(foreignOf(1).id);
  expect(second.lines.told.filter((line) => line.startsWith('error'))).toEqual([]);
  const alarms = JSON.stringify({ ...(JSON.parse(place) as object), database: 'alarms' });
  expect(await harness.read(alarms)).toEqual([]);
});
