/** The gateway as one piece: what it writes at the beginning, what it keeps at the end, what stops it and what does not. */
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { askGateway } from '../../cli/control.ts';
import { Gateway, type GatewayOptions } from '../../daemon/app.ts';
import { loadGatewayConfig } from '../../daemon/config/config.ts';
import type { GatewayStatus, ReadAnswer } from '../../daemon/ops/status.ts';
import { openStoreReader } from '../../daemon/store/reader.ts';
import { SqliteStore } from '../../daemon/store/sqlite-store.ts';
import type { Appended, AppendOptions } from '../../daemon/store/store.ts';
import { encodeAck } from '../../protocol/ack-codec.ts';
import { decodeBatch } from '../../protocol/batch-codec.ts';
import { parseRecordId, recordIdOf, runIdOf } from '../../protocol/ids.ts';
import { rangesOf } from '../../protocol/intervals.ts';
import type { Observation, SequencedRecord } from '../../protocol/record.ts';
import { systemClock } from '../../runtime/clock.ts';
import { MooringError } from '../../runtime/errors.ts';
import { silentLog } from '../../runtime/log.ts';
import { SeededRandom, systemRandom } from '../../runtime/random.ts';
import { SteppedClock } from '../../sim/clock.ts';
import { LossyTransport } from '../../sim/lossy-transport.ts';
import { eventually } from '../processes.ts';
import { inMemory } from './stalling-store.ts';

const SOON_MS = 10_000;
const CITY = '{ name: city, every: 50ms, sensors: [{ driver: sim, profile: city, seed: 7 }] }';
const CENTRE = 'centre: { mqtt: { url: mqtt://127.0.0.1:1 } }';

let folder = '';
let storePath = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mooring-gateway-'));
  storePath = join(folder, 'store.db');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

interface Setting {
  readonly stations?: string;
  readonly forward?: string;
  readonly linger?: string;
}

function configOf({
  stations = CITY,
  forward = CENTRE,
  linger = '0s',
}: Setting = {}): ReturnType<typeof loadGatewayConfig> {
  const path = join(folder, 'gateway.yaml');
  const store = `{ path: store.db, linger: ${linger} }`;
  writeFileSync(path, `gateway: plaka\nstations: [${stations}]\nstore: ${store}\nforward: { ${forward} }\n`);
  return loadGatewayConfig(path);
}

const REAL = { clock: systemClock, random: systemRandom, log: silentLog, version: '1.2.3' } as const;

/** The end of the path: acknowledges what it is sent, and keeps it by run and sequence. */
class Shore {
  readonly runs = new Map<string, Map<number, SequencedRecord>>();
  readonly transport = new LossyTransport({
    gateway: 'plaka',
    centre: (gateway, bytes, answer) => {
      const { records, ...name } = decodeBatch(bytes);
      const run = runIdOf(gateway, name.salt);
      const kept = this.runs.get(run) ?? new Map<number, SequencedRecord>();
      this.runs.set(run, kept);
      for (const record of records) kept.set(record.sequence, record);
      answer(encodeAck({ ...name, stored: rangesOf(records.map(({ sequence }) => sequence)) }));
    },
    clock: systemClock,
    random: new SeededRandom(1),
  });

  recordsOf(run: string): SequencedRecord[] {
    return [...(this.runs.get(run)?.values() ?? [])].toSorted((a, b) => a.sequence - b.sequence);
  }
}

async function runOf(gateway: Gateway): Promise<string> {
  return (await gateway.status()).run;
}

const committed = async (gateway: Gateway, count: number): Promise<void> => {
  await eventually(`${count} committed records`, SOON_MS, async () => {
    const { buffer } = await gateway.status();
    return buffer.committed >= count;
  });
};

describe('a run', () => {
  it('begins with its boot and where every metric comes from, and says everything once', async () => {
    const shore = new Shore();
    const gateway = new Gateway(configOf(), { ...REAL, transportOf: () => shore.transport });
    await gateway.start();
    const run = await runOf(gateway);
    // Two more than samples are asked for: a busy machine misses ticks, and says so in a record.
    await committed(gateway, 17);
    await gateway.stop({ drainMs: SOON_MS });

    const records = shore.recordsOf(run);
    expect(records.map(({ sequence }) => sequence)).toEqual(records.map((_, index) => index + 1));
    const [boot, ...rest] = records;
    expect(boot).toMatchObject({ station: '_gateway', kind: 'event', info: { event: 'boot', version: '1.2.3' } });
    expect(boot?.info).not.toHaveProperty('previous');
    const sources = rest.filter(({ info }) => info?.event === 'source');
    expect(sources.map(({ sequence }) => sequence)).toEqual([2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect(sources[0]).toMatchObject({ station: 'city', info: { metric: 'temperature', driver: 'sim', unit: '°C' } });
    expect(rest.filter(({ kind }) => kind === 'sample').length).toBeGreaterThanOrEqual(5);
  });

  it('names the newest record of the run before it, and the forwarder that has left', async () => {
    const two = `${CENTRE}, spare: { mqtt: { url: mqtt://127.0.0.1:1 } }`;
    const first = new Gateway(configOf({ forward: two }), REAL);
    await first.start();
    const before = await runOf(first);
    await committed(first, 12);
    await first.stop();
    const [stored] = openStoreReader(storePath).runs('centre');

    const shore = new Shore();
    const second = new Gateway(configOf(), { ...REAL, transportOf: () => shore.transport });
    await second.start();
    const run = await runOf(second);
    await second.stop({ drainMs: SOON_MS });
    const [boot, retired] = shore.recordsOf(run);
    expect(boot?.info).toMatchObject({ event: 'boot', previous: recordIdOf(before, stored?.last ?? 0) });
    expect(retired?.info).toEqual({ event: 'forwarder_retired', forwarder: 'spare' });
    expect(shore.recordsOf(before).map(({ sequence }) => sequence)).toEqual(
      Array.from({ length: stored?.last ?? 0 }, (_, index) => index + 1),
    );
  });
});

describe('the end', () => {
  it('loses nothing that was observed, though nobody takes it', async () => {
    let observed = 0;
    class CountingStore extends SqliteStore {
      override async append(observations: readonly Observation[], options: AppendOptions): Promise<Appended> {
        observed += observations.length;
        return await super.append(observations, options);
      }
    }
    const gateway = new Gateway(configOf(), { ...REAL, storeOf: (options) => new CountingStore(options) });
    await gateway.start();
    await committed(gateway, 20);
    const startedMs = systemClock.monotonicMs();
    await gateway.stop();
    expect(systemClock.monotonicMs() - startedMs).toBeLessThan(5000);
    const [run] = openStoreReader(storePath).runs('centre');
    expect(run).toMatchObject({
      gateway: 'plaka',
      last: observed,
      unsettled: [[1, observed]],
      acked: [],
    });
  });

  it('waits for the beginning where it comes during it, and lets go of the store', async () => {
    const gateway = new Gateway(configOf(), REAL);
    const started = gateway.start();
    await gateway.stop();
    await started;
    const next = new Gateway(configOf(), REAL);
    await next.start();
    await next.stop();
    const runs = openStoreReader(storePath).runs('centre');
    expect(runs.map(({ last }) => last >= 10)).toEqual([true, true]);
  });

  it('comes too where there was no beginning: what refused to start is stopped without an error', async () => {
    const first = new Gateway(configOf(), REAL);
    await first.start();
    const second = new Gateway(configOf(), REAL);
    const started = second.start();
    await Promise.all([second.stop(), expect(started).rejects.toMatchObject({ code: 'STORE_IN_USE' })]);
    await first.stop();
  });

  it('waits for no linger, and keeps what lingered', async () => {
    const gateway = new Gateway(configOf({ linger: '1m' }), REAL);
    await gateway.start();
    const before = await gateway.status();
    await eventually('records that linger', SOON_MS, async () => (await gateway.status()).buffer.waiting >= 5);
    const startedMs = systemClock.monotonicMs();
    await gateway.stop();
    expect(systemClock.monotonicMs() - startedMs).toBeLessThan(5000);
    const [run] = openStoreReader(storePath).runs('centre');
    expect(run?.last).toBeGreaterThanOrEqual(before.buffer.committed + 5);
  });

  it('waits for the last acknowledgements no longer than it may', async () => {
    const shore = new Shore();
    const gateway = new Gateway(configOf(), { ...REAL, transportOf: () => shore.transport });
    await gateway.start();
    await committed(gateway, 20);
    await gateway.stop({ drainMs: SOON_MS });
    const [run] = openStoreReader(storePath).runs('centre');
    expect(run?.unsettled).toEqual([]);
    expect(run?.acked).toEqual([[1, run?.last]]);
  });
});

describe('what does not stop it', () => {
  it('a sensor that is not there, and a centre that is not there: the records say so', async () => {
    const gps = '{ name: gps, every: 50ms, sensors: [{ driver: nmea0183, port: /dev/absent }] }';
    const gateway = new Gateway(configOf({ stations: `${CITY}, ${gps}` }), REAL);
    await gateway.start();
    await eventually('records of both', SOON_MS, () => ['city', 'gps'].every((name) => gateway.latest(name)));
    const { sensors, forwarders } = await gateway.status();
    expect(sensors.map(({ station, state, code }) => [station, state, code])).toEqual([
      ['city', 'ok', undefined],
      ['gps', 'failed', 'PORT_ABSENT'],
    ]);
    expect(forwarders[0]).toMatchObject({ name: 'centre', acked: 0 });
    expect(gateway.read()).toMatchObject({
      records: [{ station: 'city' }, { station: 'gps' }],
      failures: [{ station: 'gps', sensor: 'nmea0183', code: 'PORT_ABSENT' }],
    });
    await gateway.stop();
  });
});

/** Starts it while its clock goes on: what it keeps in files is read in real time, however long that takes. */
async function started(gateway: Gateway, clock: SteppedClock): Promise<void> {
  let isStarted = false;
  const starting = gateway.start().finally(() => {
    isStarted = true;
  });
  while (!isStarted) await clock.advance(10);
  await starting;
}

describe('a disk that is full at the start', () => {
  it('delays the boot record, and nothing gets before it', async () => {
    const clock = new SteppedClock();
    const { store, options } = inMemory(clock);
    store.refusal = new MooringError('STORE_FULL', 'the disk is full');
    const gateway = gatewayOn(clock, options);
    await started(gateway, clock);
    await clock.advance(1000);
    expect([store.appended, (await gateway.status()).buffer.committed]).toEqual([0, 0]);
    store.refusal = undefined;
    await clock.advance(1000);
    const events = store.records.map(({ kind, info }) => info?.event ?? kind);
    expect(events.slice(0, 11)).toEqual(['boot', ...Array.from({ length: 9 }, () => 'source'), 'sample']);
    const samples = store.records.filter(({ kind }) => kind === 'sample').map(({ timestampMs }) => timestampMs);
    const [first = 0] = samples;
    const ticks = Math.floor((clock.wallMs() - first) / 50) + 1;
    expect(samples).toEqual(Array.from({ length: ticks }, (_, tick) => first + 50 * tick));
    expect(samples.length).toBeGreaterThanOrEqual(40);
    expect((await gateway.status()).buffer.lost).toBe(0);
    const stopped = gateway.stop();
    await clock.advance(10_000);
    await stopped;
  });
});

describe('what stops it', () => {
  it('a store that another gateway has open: refused, and the other one goes on', async () => {
    const first = new Gateway(configOf(), REAL);
    await first.start();
    await expect(new Gateway(configOf(), REAL).start()).rejects.toMatchObject({ code: 'STORE_IN_USE' });
    const { buffer } = await first.status();
    await committed(first, buffer.committed + 3);
    await first.stop();
  });

  it('a store that has died: it ends with why', async () => {
    const { store, died, options } = inMemory(systemClock);
    const gateway = new Gateway(configOf(), { ...REAL, ...options });
    const ended = gateway.run(new AbortController().signal);
    await eventually('it runs', SOON_MS, () => store.appended > 12);
    died(new MooringError('STORE_FAILED', 'the thread is gone'));
    await expect(ended).rejects.toMatchObject({ message: 'the thread is gone' });
  });
});

it('answers on its socket who it is, how it is, and what it has measured last, under the ids that were stored', async () => {
  const gateway = new Gateway(configOf(), REAL);
  await gateway.start();
  await eventually('a sample', SOON_MS, () => gateway.latest('city'));
  const path = `${storePath}.sock`;
  expect(statSync(path).mode & 0o777).toBe(0o660);
  const status = (await askGateway(path, 'status', systemClock)) as unknown as GatewayStatus;
  expect(status).toMatchObject({ gateway: 'plaka', version: '1.2.3', stations: [{ station: 'city', every: 0.05 }] });
  expect(status.forwarders).toMatchObject([{ name: 'centre', kind: 'mqtt', pending: expect.any(Number) }]);
  const { records, failures } = (await askGateway(path, 'read', systemClock)) as unknown as ReadAnswer;
  expect(failures).toEqual([]);
  expect(records).toMatchObject([
    { gateway: 'plaka', station: 'city', kind: 'sample', temperature: expect.any(Number) },
  ]);
  expect(parseRecordId(records[0]?.id ?? '')?.run).toBe(status.run);
  await gateway.stop();
  await expect(askGateway(path, 'status', systemClock)).rejects.toMatchObject({ code: 'NOT_RUNNING' });
});

describe('systemd', () => {
  const systemd = { notifySocket: '/run/notify', watchdogMs: 10_000 };

  it('hears READY once records are made, a line about sensors and the way out, and STOPPING', async () => {
    const clock = new SteppedClock();
    const told: string[] = [];
    const { options } = inMemory(clock);
    const gateway = gatewayOn(clock, { ...options, systemd, sendDatagram: (_, text) => void told.push(text) });
    const started = gateway.start();
    await clock.advance(100);
    await started;
    await clock.advance(10_000);
    expect(told.slice(0, 2)).toEqual(['READY=1', 'WATCHDOG=1']);
    expect(told.filter((text) => text.startsWith('STATUS=')).at(-1)).toMatch(
      /^STATUS=1 of 1 sensors ok; \d+ records kept; centre down, \d+ to be acknowledged$/,
    );
    const stopped = gateway.stop();
    await clock.advance(10_000);
    await stopped;
    expect(told.at(-1)).toBe('STOPPING=1');
    expect(clock.pendingTimers).toBe(0);
  });

  it('is not told that all is well while an append has waited too long for its answer, and is again afterwards', async () => {
    const clock = new SteppedClock();
    let fed = 0;
    const { store, options } = inMemory(clock);
    const gateway = gatewayOn(clock, {
      ...options,
      systemd,
      sendDatagram: (_, text) => {
        if (text === 'WATCHDOG=1') fed += 1;
      },
    });
    const started = gateway.start();
    await clock.advance(100);
    await started;
    store.stall();
    await clock.advance(40_000);
    const starved = fed;
    expect(starved).toBeGreaterThan(3);
    await clock.advance(20_000);
    expect(fed).toBe(starved);
    store.resume();
    await clock.advance(20_000);
    expect(fed).toBeGreaterThan(starved);
    const stopped = gateway.stop();
    await clock.advance(10_000);
    await stopped;
  });
});

function gatewayOn(clock: SteppedClock, options: Partial<GatewayOptions>): Gateway {
  const transport = new LossyTransport({
    gateway: 'plaka',
    centre: () => undefined,
    clock,
    random: new SeededRandom(1),
  });
  transport.cut();
  const trust = { isSynchronised: () => true, hardwareMs: async () => await Promise.resolve(undefined) };
  const random = new SeededRandom(1);
  return new Gateway(configOf(), { ...REAL, clock, random, trust, transportOf: () => transport, ...options });
}
