/** A source of messages over a real Mosquitto. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectAsync, type MqttClient } from 'mqtt';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { LinesFormat } from '../../central/formats/lines/lines.ts';
import { ForeignIntake } from '../../central/ingest/foreign/foreign-intake.ts';
import type { ForeignEntry, ForeignFate } from '../../central/ingest/foreign/foreign-log.ts';
import { MqttSource } from '../../central/ingest/foreign/mqtt-source.ts';
import { systemClock } from '../../runtime/clock.ts';
import type { BrokerClientConfig } from '../../runtime/config/broker.ts';
import { MooringError } from '../../runtime/errors.ts';
import { silentLog } from '../../runtime/log.ts';
import { systemRandom } from '../../runtime/random.ts';
import { makeCertificates } from '../certificates.ts';
import { Mosquitto } from '../mosquitto.ts';
import { eventually, Programs } from '../processes.ts';

const TOPIC = 'building/temperature';
const PATIENCE_MS = 30_000;
const NO_FILES = {
  caFile: undefined,
  certFile: undefined,
  keyFile: undefined,
  user: undefined,
  passwordFile: undefined,
};

/** A log that takes a while for everything, and nothing at all while it is away. */
class SlowLog {
  readonly stored: ForeignEntry[] = [];
  latencyMs = 0;
  isAway = false;
  /** Appends that were under way at once. */
  atOnceMax = 0;
  #atOnce = 0;

  async append(records: readonly ForeignEntry[]): Promise<readonly ForeignFate[]> {
    this.#atOnce += 1;
    this.atOnceMax = Math.max(this.atOnceMax, this.#atOnce);
    if (this.latencyMs > 0) await systemClock.sleep(this.latencyMs);
    this.#atOnce -= 1;
    if (this.isAway) throw new MooringError('LOG_FAILED', 'away');
    return records.map((record) => ({ partition: 0, offset: this.stored.push(record) - 1 }));
  }

  get values(): unknown[] {
    return this.stored.map(({ flat }) => flat.temperature);
  }
}

let folder: string;
let programs: Programs;
let recordLog: SlowLog;
let open: (() => Promise<unknown>)[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mooring-foreign-mqtt-'));
  programs = new Programs();
  recordLog = new SlowLog();
  open = [async () => rmSync(folder, { recursive: true, force: true }), () => programs.end()];
});
afterEach(async () => {
  for (const close of open.reverse()) await close();
});

async function brokerStarted(): Promise<Mosquitto> {
  const broker = await Mosquitto.prepare({ folder: join(folder, 'broker'), programs });
  await broker.start();
  return broker;
}

async function sourceAt(broker: BrokerClientConfig, topics = ['building/#']): Promise<MqttSource> {
  const common = { source: 'building', clock: systemClock, log: silentLog };
  const letters = { append: async () => undefined };
  const sizes = { dedupeMs: 0, bytesMax: 2 ** 20 };
  const source = new MqttSource({
    ...common,
    broker,
    clientId: 'mooring-building',
    topics,
    window: 100,
    reply: { topic: 'ack', form: 'json' },
    intake: new ForeignIntake({ ...common, ...sizes, format: new LinesFormat(), recordLog, letters }),
    random: systemRandom,
    keepaliveSeconds: 4,
  });
  open.push(() => source.close());
  await source.open(new AbortController().signal);
  await eventually('the source is connected', PATIENCE_MS, () => source.status().isConnected);
  return source;
}

async function talkerAt(url: string): Promise<MqttClient> {
  const talker = await connectAsync(url, { clientId: 'talker' });
  open.push(() => talker.endAsync(true));
  return talker;
}

async function say(talker: MqttClient, from: number, to: number): Promise<void> {
  const line = (value: number): string => `TH1|${1_603_584_900 + value}|${value}`;
  const values = Array.from({ length: to - from }, (_, index) => from + index);
  await Promise.all(values.map((value) => talker.publishAsync(TOPIC, line(value), { qos: 1 })));
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index);
const distinct = (): unknown[] => [...new Set(recordLog.values)].sort((a, b) => Number(a) - Number(b));

describe('over a real Mosquitto', { tags: ['mosquitto'], timeout: 60_000 }, () => {
  test('messages go to a slow log many at once, in their order, and each is answered', async () => {
    const broker = await brokerStarted();
    const url = `mqtt://127.0.0.1:${broker.port}`;
    recordLog.latencyMs = 20;
    const source = await sourceAt({ url, ...NO_FILES });
    const talker = await talkerAt(url);
    const replies: { offset: number }[] = [];
    talker.on('message', (_, payload) => replies.push(JSON.parse(payload.toString()) as { offset: number }));
    await talker.subscribeAsync('ack');
    await say(talker, 0, 500);
    await eventually('all is acknowledged', PATIENCE_MS, () => source.status().acknowledged === 500);
    expect(recordLog.atOnceMax).toBeGreaterThan(10);
    expect(recordLog.atOnceMax).toBeLessThanOrEqual(100);
    expect(recordLog.values).toEqual(upTo(500));
    await eventually('all is answered', PATIENCE_MS, () => replies.length === 500);
    expect(replies.map(({ offset }) => offset)).toEqual(upTo(500));
  });

  test('while the log is away the broker keeps what comes, also over a start of ours', async () => {
    const broker = await brokerStarted();
    const url = `mqtt://127.0.0.1:${broker.port}`;
    const first = await sourceAt({ url, ...NO_FILES });
    const talker = await talkerAt(url);
    await say(talker, 0, 10);
    await eventually('what came before is there', PATIENCE_MS, () => first.status().acknowledged === 10);
    recordLog.isAway = true;
    await say(talker, 10, 300);
    await eventually('as much is read as the broker sends at once', PATIENCE_MS, () => first.status().waiting >= 100);
    await first.close();
    await say(talker, 300, 400);
    expect([first.status().acknowledged, recordLog.stored.length]).toEqual([10, 10]);
    recordLog.isAway = false;
    const second = await sourceAt({ url, ...NO_FILES });
    await eventually('the rest is there', PATIENCE_MS, () => second.status().acknowledged === 390);
    expect(distinct()).toEqual(upTo(400));
    expect(second.status().repeated).toBeGreaterThan(0);
  });

  test('a broker that stands still is given up, and nothing that it had confirmed is lost', async () => {
    const broker = await brokerStarted();
    const url = `mqtt://127.0.0.1:${broker.port}`;
    const source = await sourceAt({ url, ...NO_FILES });
    const talker = await talkerAt(url);
    recordLog.isAway = true;
    await say(talker, 0, 50);
    await eventually('all is read', PATIENCE_MS, () => source.status().waiting === 50);
    broker.pause();
    await eventually('it is given up', PATIENCE_MS, () => !source.status().isConnected);
    recordLog.isAway = false;
    broker.resume();
    await eventually('all is there', PATIENCE_MS, () => source.status().acknowledged === 50);
    expect(distinct()).toEqual(upTo(50));
  });

  test('over TLS, with certificates from both sides', { tags: ['openssl'] }, async () => {
    const certificates = await makeCertificates(join(folder, 'certificates'), 'plaka');
    const { ca, centre, gateway } = certificates;
    const broker = await Mosquitto.prepare({ folder: join(folder, 'broker'), programs, certificates });
    await broker.start();
    const url = `mqtts://localhost:${broker.port}`;
    const files = { caFile: ca, certFile: centre.cert, keyFile: centre.key, user: undefined, passwordFile: undefined };
    const source = await sourceAt({ url, ...files }, ['mooring/1/+/batch']);
    const [caPem, cert, key] = [ca, gateway.cert, gateway.key].map((path) => readFileSync(path)) as [
      Buffer,
      Buffer,
      Buffer,
    ];
    const talker = await connectAsync(url, { ca: caPem, cert, key });
    open.push(() => talker.endAsync(true));
    await talker.publishAsync('mooring/1/plaka/batch', 'TH1|1603584900|21.5', { qos: 1 });
    await eventually('it is acknowledged', PATIENCE_MS, () => source.status().acknowledged === 1);
    expect(recordLog.stored).toHaveLength(1);
  });
});
