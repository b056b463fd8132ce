/** Existing devices into a centre that was made of its file: a real Kafka, a real Mosquitto, sockets. */
import { createSocket } from 'node:dgram';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectAsync, type MqttClient } from 'mqtt';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Centre } from '../../central/app.ts';
import { loadCentralConfig } from '../../central/config/config.ts';
import type { SourceStatus } from '../../central/foreign-ways.ts';
import type { KafkaProducer } from '../../central/recordlog/kafka/client.ts';
import { createKafkaClient } from '../../central/recordlog/kafka/clients.ts';
import { topicNamesOf } from '../../central/recordlog/kafka/topics.ts';
import type { FlatRecord } from '../../central/recordlog/recordlog.ts';
import { systemClock } from '../../runtime/clock.ts';
import { systemRandom } from '../../runtime/random.ts';
import { buoyJsonTalker } from '../../sim/talkers/devices/buoy-json.ts';
import type { DeviceMessage, DeviceTalker, DeviceTruth } from '../../sim/talkers/devices/device.ts';
import { flatJsonTalker } from '../../sim/talkers/devices/flat-json.ts';
import { linesTalker } from '../../sim/talkers/devices/lines.ts';
import { lorawanDevices, lorawanTalker } from '../../sim/talkers/devices/lorawan.ts';
import { senmlTalker } from '../../sim/talkers/devices/senml.ts';
import { sharedKafka } from '../kafka/shared.ts';
import { Topics } from '../kafka/topics.ts';
import { LogLines } from '../log-lines.ts';
import { Mosquitto } from '../mosquitto.ts';
import { eventually, Programs } from '../processes.ts';

const PATIENCE_MS = 60_000;
const START_MS = Date.UTC(2026, 0, 31, 9);
const TOKEN = '0123456789abcdef0123456789abcdef';
const BROKEN = Buffer.from('{"sn": [');

let folder: string;
let programs: Programs;
let open: (() => Promise<unknown>)[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mooring-foreign-centre-'));
  programs = new Programs();
  open = [async () => rmSync(folder, { recursive: true, force: true }), () => programs.end()];
});
afterEach(async () => {
  for (const close of open.reverse()) await close();
});

interface Place {
  readonly kafka: string;
  readonly prefix: string;
  readonly broker: string;
}

function configured({ kafka, prefix, broker }: Place): string {
  writeFileSync(join(folder, 'schools.token'), `${TOKEN}\n`, { mode: 0o600 });
  const rooms = lorawanDevices(4, 1).map(({ devEui, classroom, profile }) => `${devEui},${classroom},${profile}`);
  writeFileSync(join(folder, 'rooms.csv'), `DevEui,classroom,profile\n${rooms.join('\n')}\n`);
  const file = join(folder, 'central.yaml');
  writeFileSync(
    file,
    `
role: bridge
ingest:
  mqtt: { url: "${broker}" }
  http: { listen: "127.0.0.1:0" }
sources:
  juice: { format: senml, mqtt: { topics: [/sample.it/#] }, reply: { mqtt: ack } }
  city: { format: flat-json, kafka: { topics: [${prefix}-city] } }
  meteo: { format: buoy-json, udp: { listen: "127.0.0.1:0" }, zone: Europe/Paris }
  schools:
    { format: lorawan, http: { path: /stream, token: schools.token }, registry: rooms, merge_uplinks: 10s, reply: { http: true } }
  building: { format: lines, kafka: { topics: [${prefix}.temperature] }, zone: Europe/Athens }
  meters: { format: mapping, mapping: ${join(import.meta.dirname, '../../deploy/mappings/meters.yaml')}, mqtt: { topics: [m/#] } }
registries:
  rooms: { file: rooms.csv, key: DevEui, tags: [classroom, profile] }
kafka: { brokers: ["${kafka}"], partitions: 3, prefix: ${prefix} }
state: state
log_level: silent
`,
  );
  return file;
}

async function started(file: string): Promise<{ readonly centre: Centre; readonly lines: LogLines }> {
  const lines = new LogLines();
  const centre = new Centre(loadCentralConfig(file), { clock: systemClock, random: systemRandom, log: lines });
  open.push(() => centre.stop());
  await centre.start();
  return { centre, lines };
}

function statusOf(centre: Centre, name: string): SourceStatus {
  const status = centre.status().foreign?.sources.find((source) => source.name === name);
  if (status === undefined) throw new Error(`there is no source ${name}`);
  return status;
}

function taken(talker: DeviceTalker, count: number): DeviceMessage[] {
  return Array.from({ length: count }, () => talker.next().value);
}

/** A value that came in another unit was multiplied. */
function nearTo(metrics: DeviceTruth['metrics']): Record<string, unknown> {
  const near = Object.entries(metrics).map(([name, value]) => {
    return [name, typeof value === 'number' ? expect.closeTo(value, 6) : value];
  });
  return Object.fromEntries(near) as Record<string, unknown>;
}

/** Messages of the meters of deploy/mappings, which no talker speaks. */
function meters(count: number): DeviceMessage[] {
  return Array.from({ length: count }, (_, index): DeviceMessage => {
    const timestampMs = Date.UTC(2026, 6, 1, 6, 15 + index);
    const text = `01.07.2026;9:${15 + index};${1000 + index},5;3000;A;shut`;
    const truth = [{ sourceId: 'east/w1', timestampMs, metrics: { x_volume: 1000.5 + index, battery_voltage: 3 } }];
    return { atMs: timestampMs, topic: 'm/east/w1', bytes: Buffer.from(text), truth };
  });
}

describe('existing devices into a centre', { tags: ['kafka', 'mosquitto'], timeout: 240_000 }, () => {
  let place: Place;
  let talker: MqttClient;
  let producer: KafkaProducer;
  beforeEach(async () => {
    const broker = await Mosquitto.prepare({ folder: join(folder, 'broker'), programs });
    await broker.start();
    const prefix = `ways-${Buffer.from(systemRandom.bytes(4)).toString('hex')}`;
    place = { kafka: await sharedKafka(), prefix, broker: `mqtt://127.0.0.1:${broker.port}` };
    talker = await connectAsync(place.broker, { clientId: 'talker' });
    open.push(() => talker.endAsync(true));
    const client = await createKafkaClient('kafkajs', {
      brokers: [place.kafka],
      clientId: 'talker',
      clock: systemClock,
      log: new LogLines(),
    });
    const topics = new Topics(place.kafka);
    for (const name of [`${prefix}-city`, `${prefix}.temperature`]) await topics.create({ name, partitions: 2 });
    producer = await client.createProducer();
    open.push(() => producer.close());
  });

  const byMqtt = (messages: readonly DeviceMessage[]): Promise<unknown> =>
    Promise.all(messages.map(({ topic = '', bytes }) => talker.publishAsync(topic, Buffer.from(bytes), { qos: 1 })));
  const byKafka = (topic: string, messages: readonly DeviceMessage[]): Promise<unknown> =>
    producer.send(
      messages.map(({ bytes }, index) => {
        return { topic, partition: index % 2, key: 'k', value: Buffer.from(bytes).toString('utf8') };
      }),
    );
  const post = (centre: Centre, bytes: Uint8Array, token = TOKEN): Promise<Response> => {
    const { port } = centre.status().foreign?.http?.address ?? {};
    const headers = { authorization: `Bearer ${token}` };
    return fetch(`http://127.0.0.1:${port}/stream`, { method: 'POST', body: Buffer.from(bytes), headers });
  };

  test('every format arrives as it was said, bad messages cost no other, and a restart in mid-stream loses nothing', async () => {
    const { prefix } = place;
    const senml = taken(senmlTalker({ seed: 1, startMs: START_MS }), 40);
    const city = taken(flatJsonTalker({ seed: 2, startMs: START_MS, timestamps: true }), 40);
    const meteo = taken(buoyJsonTalker({ seed: 3, startMs: START_MS }), 20);
    const schools = taken(lorawanTalker({ seed: 4, startMs: START_MS, rooms: 1 }), 20);
    const building = taken(linesTalker({ seed: 5 }), 200).filter(({ topic }) => topic === 'temperature');
    const metered = meters(20);
    const bad = (topic?: string): DeviceMessage => ({ atMs: 0, topic, bytes: BROKEN, truth: [] });

    const file = configured(place);
    const first = await started(file);
    await eventually('the broker is there', PATIENCE_MS, () => statusOf(first.centre, 'meters').mqtt?.isConnected);
    const replies: { source: string }[] = [];
    talker.on('message', (_, payload) => replies.push(JSON.parse(payload.toString()) as { source: string }));
    await talker.subscribeAsync('ack');

    await byMqtt([...senml.slice(0, 10), bad(senml[0]?.topic), ...senml.slice(10, 20)]);
    await byMqtt([...metered.slice(0, 5), bad('m/east/w1'), ...metered.slice(5, 10)]);
    await byKafka(`${prefix}-city`, [...city.slice(0, 10), bad(), ...city.slice(10, 20)]);
    await byKafka(`${prefix}.temperature`, [bad(), ...building.slice(0, 20)]);
    const socket = createSocket('udp4');
    open.push(async () => socket.close());
    const { port = 0 } = statusOf(first.centre, 'meteo').udp?.address ?? {};
    for (const { bytes } of [bad(), ...meteo]) socket.send(bytes, port, '127.0.0.1');
    const answers: number[] = [];
    for (const { bytes } of [bad(), ...schools, ...schools.slice(0, 3)])
      answers.push((await post(first.centre, bytes)).status);
    expect(answers).toEqual([400, ...Array.from({ length: 23 }, () => 200)]);
    expect((await post(first.centre, BROKEN, 'a token that is wrong')).status).toBe(401);
    expect(first.centre.status().foreign?.http?.answers).toEqual({ 200: 23, 400: 1, 401: 1 });

    const counts = (centre: Centre): Record<string, number[]> =>
      Object.fromEntries(
        (centre.status().foreign?.sources ?? []).map(({ name, intake: { messages, refused } }) => {
          return [name, [messages, refused]];
        }),
      );
    await eventually('all is taken, and the bad ones are refused', PATIENCE_MS, () => {
      const { building: lines, ...others } = counts(first.centre);
      const wanted = { juice: [21, 1], city: [21, 1], meteo: [21, 1], schools: [24, 1], meters: [11, 1] };
      return JSON.stringify(others) === JSON.stringify(wanted) && lines?.join() === '21,1' ? true : undefined;
    });
    await eventually('what came by MQTT is answered', PATIENCE_MS, () => replies.length === 20);
    expect(new Set(replies.map(({ source }) => source))).toEqual(new Set(['juice']));
    expect(statusOf(first.centre, 'schools')).toMatchObject({ uplinks: 20, intake: { duplicates: 3 } });
    expect(first.centre.status().foreign?.registries).toEqual([
      { name: 'rooms', devices: lorawanDevices(4, 1).length },
    ]);

    // In mid-stream: what comes while it stops, is away and starts, and some of what it has had.
    const streaming = byMqtt([...senml.slice(20), ...metered.slice(10)]);
    const sent = byKafka(`${prefix}-city`, [...city.slice(15, 20), ...city.slice(20)]);
    await first.centre.stop();
    await byKafka(`${prefix}.temperature`, building.slice(10, 40));
    await byMqtt(senml.slice(0, 5));
    await Promise.all([streaming, sent]);
    const second = await started(file);
    for (const { bytes } of meteo.slice(0, 5))
      socket.send(bytes, statusOf(second.centre, 'meteo').udp?.address?.port ?? 0, '127.0.0.1');

    const all = { juice: senml, city, meteo, schools, building: building.slice(0, 40), meters: metered };
    const topics = new Topics(place.kafka);
    const { records, deadLetter } = topicNamesOf(prefix);
    const stored = await eventually('all records are there', PATIENCE_MS, async () => {
      const found = await topics.read(records);
      const flats = found.map(({ value }) => JSON.parse(value) as FlatRecord);
      return new Set(flats.map(({ id }) => id)).size >= 180 ? flats : undefined;
    });
    const distinct = new Map(stored.map((flat) => [flat.id, flat]));
    expect(distinct.size).toBe(180);
    for (const [gateway, messages] of Object.entries(all)) {
      const own = [...distinct.values()].filter((flat) => flat.gateway === gateway);
      expect([gateway, own.length]).toEqual([gateway, messages.length]);
      for (const { sourceId, timestampMs, metrics: said } of messages.flatMap(({ truth }) => truth)) {
        // The topic has a name of this test's own, which tells no metric.
        const metrics = gateway === 'building' ? { x_value: said.temperature ?? 0 } : said;
        const at = new Date(timestampMs ?? 0).toISOString();
        const found = own.filter(({ info, timestamp }) => {
          return (info as { source_id: string }).source_id === sourceId && timestamp === at;
        });
        expect(found, `${gateway} ${sourceId} ${at}`).toContainEqual(expect.objectContaining(nearTo(metrics)));
      }
    }
    const [tagged] = [...distinct.values()].filter(({ gateway }) => gateway === 'schools');
    expect(tagged?.info).toMatchObject({ tags: { classroom: '1A' } });
    const letters = (await topics.read(deadLetter)).map(({ value }) => JSON.parse(value) as { source: string });
    expect(letters.map(({ source }) => source).sort()).toEqual(Object.keys(all).sort());
    expect(first.lines.told.filter((line) => /error|fatal/.test(line))).toEqual([]);
  });
});
