import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Centre, type CentreOptions } from '../../central/app.ts';
import type { CentralConfig } from '../../central/config/types.ts';
import type { EmbeddedBrokerStatus } from '../../central/ingest/ingest.ts';
import type { FlatRecord } from '../../central/recordlog/recordlog.ts';
import { nodeDisk } from '../../central/sinks/disk.ts';
import { recordIdOf, runIdOf } from '../../protocol/ids.ts';
import type { Range } from '../../protocol/intervals.ts';
import { type Clock, systemClock } from '../../runtime/clock.ts';
import { silentLog } from '../../runtime/log.ts';
import { systemRandom } from '../../runtime/random.ts';
import { batchOf, saltOf, sampleOf, samplesOf, tokenOf } from '../batches.ts';
import { LogLines } from '../log-lines.ts';
import { PlainGateway } from '../plain-gateway.ts';
import { UdpSite } from '../udp-site.ts';

const SALT = saltOf(1);
const RUN = runIdOf('plaka', SALT);

let folder: string;
let open: (() => Promise<void>)[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mooring-centre-'));
});
afterEach(async () => {
  for (const close of open.reverse()) await close();
  open = [];
  rmSync(folder, { recursive: true, force: true });
});

function configIn(place: string): CentralConfig {
  return {
    file: 'central.yaml',
    ingest: {
      mqtt: { mode: 'embedded', listen: { host: '127.0.0.1', port: 0 }, tls: undefined },
      udp: undefined,
      intakeBytesMax: 16 * 2 ** 20,
    },
    kafka: undefined,
    ack: ['archive'],
    sinks: [
      { kind: 'files', name: 'archive', path: join(place, 'records'), format: 'ndjson', layout: 'date' },
      { kind: 'ack_log', name: 'acks', path: join(place, 'acks.txt') },
    ],
    stateDir: join(place, 'state'),
    logLevel: 'silent',
  };
}

function centreOf(config: CentralConfig, options: Partial<CentreOptions> = {}): Centre {
  const centre = new Centre(config, { clock: systemClock, random: systemRandom, log: silentLog, ...options });
  open.push(() => centre.stop());
  return centre;
}

async function started(options: Partial<CentreOptions> = {}): Promise<Centre> {
  const centre = centreOf(configIn(folder), options);
  await centre.start();
  return centre;
}

/** The embedded broker of a centre. */
function brokerOf(centre: Centre): EmbeddedBrokerStatus {
  return centre.status().ingest[0] as EmbeddedBrokerStatus;
}

async function gatewayOf(centre: Centre, name = 'plaka'): Promise<PlainGateway> {
  const gateway = await PlainGateway.connect(brokerOf(centre).url as string, name);
  open.push(() => gateway.end());
  return gateway;
}

/** `1-2 5` → `[[1, 2], [5, 5]]`. */
function ranges(text: string): Range[] {
  return text.split(' ').map((part) => {
    const [first, last] = part.split('-').map(Number);
    return [first as number, last ?? (first as number)];
  });
}

function linesOf(path: string): string[] {
  return readFileSync(join(folder, path), 'utf8').split('\n').slice(0, -1);
}

function recordsIn(path: string): FlatRecord[] {
  return linesOf(path).map((line) => JSON.parse(line) as FlatRecord);
}

test('a batch goes into the file of its event hour, and is acknowledged once it is there', async () => {
  const gateway = await gatewayOf(await started());
  await gateway.send(batchOf({ salt: SALT, records: samplesOf([1, 2, 5]) }));
  const ack = await gateway.nextAck();
  expect(ack).toEqual({ salt: SALT, batch: 1, token: tokenOf(1), stored: ranges('1-2 5') });
  expect([...recordsIn('records/2026/01/31/22.ndjson'), ...recordsIn('records/2026/01/31/23.ndjson')]).toEqual(
    [1, 2, 5].map((sequence) => ({
      id: recordIdOf(RUN, sequence),
      gateway: 'plaka',
      station: 'buoy-7',
      kind: 'sample',
      timestamp: new Date(sampleOf(sequence).timestampMs).toISOString(),
      clock: 'synced',
      temperature: 20 + sequence / 100,
      received_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
    })),
  );
});

test('what comes again, also after a restart, is acknowledged again and stands in the files once', async () => {
  const first = await started();
  const gateway = await gatewayOf(first);
  await gateway.send(batchOf({ salt: SALT, records: samplesOf([2, 3]) }));
  await gateway.nextAck();
  await gateway.send(batchOf({ salt: SALT, records: samplesOf([2, 3]), batch: 2 }));
  expect((await gateway.nextAck()).stored).toEqual(ranges('2-3'));
  expect(first.status().intake).toMatchObject({ batches: 2, stored: 2, duplicates: 2, bytesWaiting: 0 });
  await first.stop();

  const second = await started();
  const again = await gatewayOf(second);
  await again.send(batchOf({ salt: SALT, records: samplesOf([2, 3, 4]), batch: 3 }));
  expect((await again.nextAck()).stored).toEqual(ranges('2-4'));
  const ids = [2, 3, 4].map((sequence) => recordIdOf(RUN, sequence));
  expect(recordsIn('records/2026/01/31/23.ndjson').map(({ id }) => id)).toEqual(ids);
  await second.stop();
  expect(linesOf('acks.txt')).toEqual(ids);
});

test('gateways over MQTT and gateways over UDP are taken in at once, into one sink', async () => {
  const site = new UdpSite();
  open.push(() => site.close());
  site.writeKey('plaka');
  const { mqtt } = configIn(folder).ingest;
  const centre = await site.startCentre({ mqtt });
  const overUdp = site.startGateway('plaka', { port: site.centrePort });
  await overUdp.append(100);
  const overMqtt = await gatewayOf(centre, 'ikaros');
  await overMqtt.send(batchOf({ salt: SALT, records: samplesOf([2]) }));
  expect((await overMqtt.nextAck()).stored).toEqual(ranges('2'));
  await overUdp.delivered();
  expect(site.stored()).toHaveLength(101);
  expect(centre.status()).toMatchObject({
    ingest: [
      { mode: 'embedded', connections: 1 },
      { mode: 'udp', sessions: 1 },
    ],
    intake: { stored: 101 },
  });
});

test('two gateways with one salt have two runs: neither speaks for the other', async () => {
  const centre = await started();
  for (const name of ['plaka', 'ikaros']) {
    const gateway = await gatewayOf(centre, name);
    await gateway.send(batchOf({ salt: SALT, records: samplesOf([2]) }));
    expect((await gateway.nextAck()).stored).toEqual(ranges('2'));
  }
  expect(recordsIn('records/2026/01/31/23.ndjson').map(({ id, gateway }) => [id, gateway])).toEqual([
    [recordIdOf(RUN, 2), 'plaka'],
    [recordIdOf(runIdOf('ikaros', SALT), 2), 'ikaros'],
  ]);
});

test('what was accepted when the centre stops is stored and answered, and the port is free again', async () => {
  const centre = await started();
  const gateway = await gatewayOf(centre);
  await gateway.send(batchOf({ salt: SALT, records: samplesOf([2]) }));
  await gateway.nextAck();
  // The second commit would come a second after the first.
  const batches = [3, 4, 5].map((sequence) => batchOf({ salt: SALT, records: samplesOf([sequence]), batch: sequence }));
  for (const batch of batches) await gateway.send(batch);
  const url = brokerOf(centre).url as string;
  await centre.stop();
  const answers = [await gateway.nextAck(), await gateway.nextAck(), await gateway.nextAck()];
  expect(answers.map(({ stored }) => stored)).toEqual(['3', '4', '5'].map(ranges));
  expect(recordsIn('records/2026/01/31/23.ndjson')).toHaveLength(4);
  expect(centre.status()).toMatchObject({ state: 'stopped', ingest: [{ connections: 0 }] });
  await expect(PlainGateway.connect(url, 'plaka')).rejects.toThrow();
});

/** Real time, and timers that are twenty times as fast. */
const hurriedClock: Clock = {
  ...systemClock,
  sleep: (durationMs, signal) => systemClock.sleep(durationMs / 20, signal),
  after: (durationMs, action) => systemClock.after(durationMs / 20, action),
};

test('while the disk is full gateways are told to come back, and afterwards nothing is missing', async () => {
  let isFull = false;
  const full = Object.assign(new Error('no space'), { code: 'ENOSPC', syscall: 'write' });
  const disk: typeof nodeDisk = {
    ...nodeDisk,
    writeFrom: (path, from, data) => (isFull ? Promise.reject(full) : nodeDisk.writeFrom(path, from, data)),
  };
  const centre = await started({ clock: hurriedClock, disk });
  const gateway = await gatewayOf(centre);
  isFull = true;
  await gateway.send(batchOf({ salt: SALT, records: samplesOf([2]) }));
  expect(await gateway.nextAck()).toMatchObject({ batch: 1, busy: { retryAfterMs: 2000 } });
  expect(centre.status().intake).toMatchObject({ busy: 1, isLogFailing: true });
  isFull = false;
  await gateway.send(batchOf({ salt: SALT, records: samplesOf([2]), batch: 2 }));
  expect((await gateway.nextAck()).stored).toEqual(ranges('2'));
  expect(recordsIn('records/2026/01/31/23.ndjson')).toHaveLength(1);
});

test('a centre starts although there is no room for its dead letter, and stores what needs none', async () => {
  const full = Object.assign(new Error('no space'), { code: 'ENOSPC', syscall: 'write' });
  const disk: typeof nodeDisk = {
    ...nodeDisk,
    writeFrom: (path, ...rest) =>
      path.includes('deadletter') ? Promise.reject(full) : nodeDisk.writeFrom(path, ...rest),
  };
  const gateway = await gatewayOf(await started({ disk }));
  await gateway.send(batchOf({ salt: SALT, records: samplesOf([2]) }));
  expect((await gateway.nextAck()).stored).toEqual(ranges('2'));
});

test('a disk that never answers does not keep the centre from stopping', async () => {
  let isStalled = false;
  const stalled = new Promise<never>(() => undefined);
  const disk: typeof nodeDisk = {
    ...nodeDisk,
    writeFrom: (path, from, data) => (isStalled ? stalled : nodeDisk.writeFrom(path, from, data)),
  };
  const lines = new LogLines();
  const centre = await started({ clock: hurriedClock, disk, log: lines });
  const gateway = await gatewayOf(centre);
  isStalled = true;
  await gateway.send(batchOf({ salt: SALT, records: samplesOf([2]) }));
  await centre.stop();
  expect(lines.told).toContain('warn: the centre stops without what waits: gateways send it again');
  expect(gateway.acks).toEqual([]);
});

test('a second copy stands by until the first has stopped, and can be told to stop while it waits', async () => {
  const first = await started();
  const second = centreOf(configIn(folder));
  const starting = second.start();
  const third = centreOf(configIn(folder));
  const waiting = third.start();
  expect(second.status()).toMatchObject({ state: 'starting', ingest: [{ url: undefined }] });
  const refused = expect(waiting).rejects.toMatchObject({ name: 'AbortError' });
  await third.stop();
  await refused;

  await first.stop();
  await starting;
  const gateway = await gatewayOf(second);
  await gateway.send(batchOf({ salt: SALT, records: samplesOf([2]) }));
  expect((await gateway.nextAck()).stored).toEqual(ranges('2'));
});

test('a centre that cannot listen says so, and lets go of its folders', async () => {
  const first = await started();
  const other = { ...configIn(join(folder, 'other')) };
  const taken = { mode: 'embedded', listen: brokerOf(first).address, tls: undefined };
  const second = centreOf({ ...other, ingest: { ...other.ingest, mqtt: taken as CentralConfig['ingest']['mqtt'] } });
  await expect(second.start()).rejects.toMatchObject({ code: 'SOCKET_FAILED', context: { reason: 'EADDRINUSE' } });
  await second.stop();
  await centreOf(other).start();
});
