/**
 * What the pipelines of five existing systems get wrong, with real programs: a centre with sources over MQTT and HTTP and a
 * gateway, 250 messages a second in all, and a Kafka that is killed. `MOORING_SEED_OUTAGE_S` says for how long, in seconds;
 * 60 if left out, 3600 for the whole hour. What is asked of the smaller parts is in test/seeds/seeds.test.ts.
 */
import process from 'node:process';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { TruthLine } from '../../cli/central-talk/truth.ts';
import { systemClock } from '../../runtime/clock.ts';
import { BUILDING_ZONE, linesIn, SeedSite } from './seeds-site.ts';

const OUTAGE_MS = Number(process.env.MOORING_SEED_OUTAGE_S ?? 60) * 1000;
const LEAD_MS = 15_000;
const TAIL_MS = 30_000;
const WHOLE_MS = LEAD_MS + OUTAGE_MS + TAIL_MS;
/** Messages a second: each device says one, each station of the gateway five. */
const RATES = { mqtt: 150, http: 50, gateway: 50 } as const;
const STATION_EVERY_MS = 200;
/** For a backlog to drain, on a machine that does much else. */
const DRAIN_MS = 300_000 + 2 * OUTAGE_MS;
const AROUND_MS = 900_000;
const TEST_MS = AROUND_MS + 6 * DRAIN_MS;
const SAID_MS = 120_000;
/** All that comes by MQTT while nothing is taken, twice. */
const QUEUED_MAX = (2 * RATES.mqtt * (OUTAGE_MS + AROUND_MS)) / 1000;
/** What may wait while Kafka is away has its limits, whatever the time. */
const GROWTH_MIB_MAX = 128;
const DAY_MS = 86_400_000;
/** A little less than two days of the building. */
const BACKLOG = 1300;
/** No quarter of an hour, at which the others are said. */
const LATER_MS = 420_000;
const DOWN_MS = 1000;

const say = (text: string): void => void process.stdout.write(`${new Date().toISOString()} seeds: ${text}\n`);
let seeds: SeedSite;
beforeAll(async () => {
  seeds = await SeedSite.start(say, QUEUED_MAX);
}, AROUND_MS);
afterAll(async () => await seeds?.close(), AROUND_MS);

test('1. Kafka is killed at 250 messages a second: every id is in the sinks once, and as many as were said', {
  timeout: TEST_MS + WHOLE_MS,
}, async () => {
  const { site, shore, kafka, centre, url } = seeds;
  const stations = Array.from({ length: (RATES.gateway * STATION_EVERY_MS) / 1000 }, (_, index) => ({
    name: `city-${index + 1}`,
    every: `${STATION_EVERY_MS}ms`,
    sensors: [{ driver: 'sim', profile: 'city', seed: index + 1 }],
  }));
  await site.startGatewayWith(stations);
  const asLong = ['--for', `${WHOLE_MS / 1000}s`, '--devices'];
  const byMqtt = seeds.talk('flat-json', url.mqtt, ...asLong, String(RATES.mqtt));
  const byHttp = seeds.talk('buoy-json', url.http, ...asLong, String(RATES.http));
  const beginMs = systemClock.monotonicMs();
  await systemClock.sleep(LEAD_MS);

  const calm = seeds.memoryMiB();
  const before = { mqtt: linesIn(byMqtt.truth).length, gateway: seeds.gatewayRecords };
  await kafka.broker.kill();
  const killedMs = systemClock.monotonicMs();
  say(`Kafka is killed; the centre has ${JSON.stringify(calm)} MiB`);
  await systemClock.sleep(OUTAGE_MS);
  centre.mustRun();
  const [hurt, rows] = [seeds.memoryMiB(), await seeds.rows()];
  const seconds = (systemClock.monotonicMs() - killedMs) / 1000;
  const mqtt = (linesIn(byMqtt.truth).length - before.mqtt) / seconds;
  const gateway = (seeds.gatewayRecords - before.gateway) / seconds;
  say(`${seconds.toFixed(1)} s away: by MQTT ${mqtt.toFixed(1)} a second, of the gateway ${gateway.toFixed(1)}`);
  say(`the centre has ${JSON.stringify(hurt)} MiB, MariaDB ${JSON.stringify(rows)}; Kafka starts`);
  await kafka.broker.start();
  say(`Kafka serves again after ${Math.round(systemClock.monotonicMs() - killedMs)} ms`);

  // Who posts has waited, and posts what it had to say meanwhile.
  const [taken, posted] = await Promise.all([byMqtt, byHttp].map((one) => seeds.ended(one, WHOLE_MS + DRAIN_MS)));
  const loadMs = systemClock.monotonicMs() - beginMs;
  await site.drain([shore], DRAIN_MS);
  const counts = { mqtt: taken?.length ?? 0, http: posted?.length ?? 0, gateway: seeds.gatewayRecords };
  const devices = counts.mqtt + counts.http;
  await seeds.mustHave({ devices, gateway: counts.gateway }, DRAIN_MS);
  const aSecond = (((devices + counts.gateway) * 1000) / WHOLE_MS).toFixed(1);
  say(
    `${JSON.stringify(counts)}: ${aSecond} a second for ${WHOLE_MS} ms; the last was taken after ${Math.round(loadMs)} ms`,
  );
  say(`the centre has ${JSON.stringify(seeds.memoryMiB())} MiB in the end`);
  // Each device begins within its first second.
  const devicesMin = ((RATES.mqtt + RATES.http) * (WHOLE_MS - 1000)) / 1000;
  expect(devices).toBeGreaterThanOrEqual(devicesMin);
  expect(rows.devices).toBeLessThan(devices / 2);
  expect(hurt.now - calm.now).toBeLessThan(GROWTH_MIB_MAX);
});

/** A backlog of nearly two days, the same for the same seed and time: the readings of each message. */
async function sayBacklog(seed: number, startMs: number): Promise<readonly string[]> {
  const time = ['--start', new Date(startMs).toISOString(), '--zone', BUILDING_ZONE];
  const some = ['--seed', String(seed), '--count', String(BACKLOG), '--rate', '500'];
  const truth = await seeds.ended(seeds.talk('lines', seeds.url.mqtt, ...time, ...some), SAID_MS);
  return truth.map((line) => JSON.stringify((JSON.parse(line) as TruthLine).readings)).sort();
}

/** Records of the building by their id, as they stand, and where. */
async function ofBuilding(): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for await (const { path, record } of seeds.stored()) {
    if (record.gateway === 'building') found.set(record.id, `${path} ${JSON.stringify(record)}`);
  }
  return found;
}

test('5 and 6. a backlog of two days is in the files of its days, and the sinks are the same when it comes twice', {
  timeout: TEST_MS,
}, async () => {
  const { devices: had } = await seeds.rows();
  const startMs = (Math.floor(systemClock.wallMs() / DAY_MS) - 2) * DAY_MS;
  const first = await sayBacklog(5, startMs);
  await seeds.mustHave({ devices: had + first.length }, DRAIN_MS);
  const days = new Set<string>();
  for await (const { path, record } of seeds.stored()) {
    if (record.gateway !== 'building') continue;
    expect(path).toBe(`${record.timestamp.slice(0, 'yyyy-mm-ddThh'.length).replaceAll(/[-T]/g, '/')}.ndjson`);
    days.add(record.timestamp.slice(0, 'yyyy-mm-dd'.length));
  }
  expect([...days].sort()).toEqual([0, 1].map((day) => new Date(startMs + day * DAY_MS).toISOString().slice(0, 10)));

  const once = await ofBuilding();
  const written = await seeds.messages();
  // It has forgotten what it has heard.
  await seeds.site.killCentre(seeds.shore, DOWN_MS);
  await seeds.haveBroker();
  expect(await sayBacklog(5, startMs)).toEqual(first);
  // What comes after it in each partition: when that is stored, it has been read.
  const both = new Set([...first, ...(await sayBacklog(6, startMs + LATER_MS))]).size;
  await seeds.mustHave({ devices: had + both }, DRAIN_MS);
  const again = (await seeds.messages()) - written;
  expect(again).toBeGreaterThanOrEqual(both);
  const twice = await ofBuilding();
  expect(new Map([...once.keys()].map((id) => [id, twice.get(id)]))).toEqual(once);
  say(`${once.size} records twice: ${again} messages more in the topic, the files as they were`);
});
