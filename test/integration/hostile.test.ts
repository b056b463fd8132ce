/** A live centre in a process of its own, open to everybody on this machine, while a real gateway works through it. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectAsync } from 'mqtt';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { audit } from '../../cli/audit.ts';
import { askGateway } from '../../cli/control.ts';
import type { GatewayStatus } from '../../daemon/ops/status.ts';
import { topicOf } from '../../protocol/topics.ts';
import { systemClock } from '../../runtime/clock.ts';
import { SeededRandom } from '../../runtime/random.ts';
import { startUdpLink, type UdpLink } from '../../sim/udp-link.ts';
import { HostileDatagrams } from '../hostile/datagrams.ts';
import { floodDatagrams, floodMessages, provoke } from '../hostile/floods.ts';
import { Insider } from '../hostile/insider.ts';
import { HostilePayloads } from '../hostile/payloads.ts';
import { freePort } from '../ports.ts';
import { eventually, type Program, Programs } from '../processes.ts';

const SEED = 7;
const DATAGRAMS = 120_000;
const MESSAGES = 80_000;
const REFUSED = 200;
const [VICTIM, INSIDER] = ['plaka', 'ikaros'];
const WAYS = ['broker', 'direct'] as const;
const HEARD_MIN = 20;
const HEARD_MAX = 2000;
const SOON_MS = 30_000;
const RSS_MIB_MAX = 450;
/** Of a gateway that makes a hundred records a second: what is under way while nothing is behind, and what a flood lets through. */
const PENDING_MAX = 300;
const ACKED_MIN = 300;
/** That the log tells of: garbage, reflected, forged, of an unknown gateway. */
const REFUSAL_KINDS = 4;
const LINES_MAX = 200;
const MAIN = new URL('../../cli/main.ts', import.meta.url).pathname;

let folder: string;
let programs: Programs;
let link: UdpLink | undefined;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mooring-hostile-'));
  programs = new Programs();
});
afterEach(async () => {
  await programs.end();
  await link?.close();
  rmSync(folder, { recursive: true, force: true });
});

function start(verb: 'run' | 'central', config: object): Program {
  const path = join(folder, `${verb}.yaml`);
  // JSON is YAML.
  writeFileSync(path, JSON.stringify(config));
  return programs.start({ name: verb, command: process.execPath, args: [MAIN, verb, '-c', path] });
}

/** Draws the keys of both gateways. Returns the insider's. */
function writeKeys(random: SeededRandom): Uint8Array {
  mkdirSync(join(folder, 'keys'));
  const keys = [VICTIM, INSIDER].map((gateway) => {
    const key = random.bytes(32);
    writeFileSync(join(folder, 'keys', `${gateway}.key`), Buffer.from(key).toString('hex'), { mode: 0o600 });
    return key;
  });
  return keys[1] as Uint8Array;
}

/** The gateway, over both ways at once, with some load or with next to none. */
async function startGateway(
  mqttPort: number,
  udpPort: number,
  { every }: { readonly every: string },
): Promise<Program> {
  const stations = [1, 2, 3, 4, 5].map((seed) => {
    return { name: `city-${seed}`, every, sensors: [{ driver: 'sim', profile: 'city', seed }] };
  });
  const key = join(folder, 'keys', `${VICTIM}.key`);
  const gateway = start('run', {
    gateway: VICTIM,
    stations,
    store: { path: 'store.db' },
    forward: {
      broker: { mqtt: { url: `mqtt://127.0.0.1:${mqttPort}` } },
      direct: { udp: { host: '127.0.0.1', port: udpPort, key } },
    },
  });
  await gateway.says('the gateway runs', SOON_MS);
  return gateway;
}

async function forwarders(): Promise<GatewayStatus['forwarders']> {
  const status = await askGateway(join(folder, 'store.db.sock'), 'status', systemClock);
  return (status as unknown as GatewayStatus).forwarders;
}

async function arrived(pendingMax: number): Promise<void> {
  await eventually('everything is acknowledged over both ways', SOON_MS, async () => {
    return (await forwarders()).every(({ pending }) => pending <= pendingMax);
  });
}

/** Keeps the newest of what comes. */
function keep(heard: Uint8Array[], bytes: Uint8Array): void {
  heard.push(Uint8Array.from(bytes));
  if (heard.length > HEARD_MAX) heard.shift();
}

/** Looks at the resident memory of a process while something goes on; the most of it, in MiB. */
async function memoryDuring(program: Program, work: Promise<unknown>): Promise<number> {
  let most = 0;
  let isOver = false;
  const watching = eventually('the flood is over', 600_000, () => {
    program.mustRun();
    const [, kib] = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${program.pid}/status`, 'latin1')) ?? [];
    most = Math.max(most, Number(kib) / 1024);
    return isOver;
  });
  await Promise.race([work, watching]);
  isOver = true;
  await watching;
  return most;
}

/** Broker and UDP open to everybody on this machine, and straight into files. */
async function startCentre(mqttPort: number, udpPort: number): Promise<Program> {
  const centre = start('central', {
    ingest: { mqtt: { listen: `127.0.0.1:${mqttPort}` }, udp: { listen: `127.0.0.1:${udpPort}`, keys: 'keys' } },
    sinks: { archive: { files: { path: 'records' } } },
    state: 'state',
  });
  await centre.says('listening for datagrams', SOON_MS);
  return centre;
}

/** Batches of the victim, as anybody on the centre's machine hears them. */
async function overhear(url: string): Promise<readonly Uint8Array[]> {
  const batches: Uint8Array[] = [];
  const listener = await connectAsync(url, { protocolVersion: 4 });
  listener.on('message', (_topic, payload) => keep(batches, payload));
  await listener.subscribeAsync(topicOf(VICTIM, 'batch'), { qos: 0 });
  await eventually('there are batches to repeat', SOON_MS, () => batches.length >= HEARD_MIN);
  await listener.endAsync(true);
  return batches;
}

/** The victim's records are all in the sink, each once, whichever way is asked; and the insider's are there as its own. */
async function judge(): Promise<void> {
  for (const forwarder of WAYS) {
    const { runs } = await audit(join(folder, 'records'), { store: join(folder, 'store.db'), forwarder });
    const own = runs.filter(({ gateway }) => gateway === VICTIM);
    expect(own).toHaveLength(2);
    for (const { records, first, last, ...faults } of own) {
      expect(faults).toMatchObject({ holes: [], duplicates: 0, gaps: [], acked_but_missing: 0 });
      expect([first, last]).toEqual([1, records]);
    }
    const strangers = runs.filter(({ gateway }) => gateway !== VICTIM);
    expect(new Set(strangers.map(({ gateway }) => gateway))).toEqual(new Set([INSIDER]));
  }
}

test(`${DATAGRAMS + MESSAGES} hostile datagrams and messages end nothing, fill nothing and harm nobody’s records`, {
  timeout: 300_000,
}, async () => {
  const random = new SeededRandom(SEED);
  const insiderKey = writeKeys(random);
  const [mqttPort, udpPort] = [await freePort(), await freePort()];
  const url = `mqtt://127.0.0.1:${mqttPort}`;
  const centre = await startCentre(mqttPort, udpPort);
  link = await startUdpLink({ target: udpPort, clock: systemClock, random });
  const heard = { up: [] as Uint8Array[], down: [] as Uint8Array[] };
  link.tap((direction, datagram) => keep(heard[direction], datagram));
  const gateway = await startGateway(mqttPort, link.port, { every: '50ms' });
  const batches = await overhear(url);
  await eventually('there are datagrams to repeat', SOON_MS, () => {
    return heard.up.length >= HEARD_MIN && heard.down.length >= HEARD_MIN;
  });

  const payloads = new HostilePayloads({ random, heard: batches, victim: VICTIM, insider: INSIDER });
  const message = (): Uint8Array => payloads.whole();
  const insider = new Insider({ gateway: INSIDER, sharedKey: insiderKey, random, message });
  await insider.enter(udpPort);
  const inSession = (): Uint8Array => insider.next();
  const datagrams = new HostileDatagrams({ random, heard, victim: VICTIM, insider: INSIDER, insiderKey, inSession });
  const before = await forwarders();
  const flood = Promise.all([
    floodDatagrams(udpPort, DATAGRAMS, () => datagrams.next()),
    floodMessages(url, MESSAGES, () => payloads.next()),
    provoke(url, REFUSED, () => payloads.refused()),
  ]);
  expect(await memoryDuring(centre, flood)).toBeLessThan(RSS_MIB_MAX);
  const counts = await flood;
  expect(counts[0] + counts[1] + counts[2]).toBeGreaterThanOrEqual(200_000);
  // The load goes on, and both ways keep up with it.
  await arrived(PENDING_MAX);
  for (const [index, { acked }] of (await forwarders()).entries()) {
    expect(acked - (before[index]?.acked ?? 0)).toBeGreaterThan(ACKED_MIN);
  }

  expect(await gateway.stop()).toBe(0);
  const idle = await startGateway(mqttPort, link.port, { every: '1h' });
  await arrived(0);
  expect(await idle.stop()).toBe(0);
  expect(await centre.stop()).toBe(0);
  await judge();
  const reasons = centre.lines.filter(({ msg }) => msg === 'datagrams are refused').map(({ reason }) => reason);
  expect(new Set(reasons).size).toBe(REFUSAL_KINDS);
  // It tells what goes on, and is not made to fill a disk with it.
  expect(centre.lines.length).toBeLessThan(LINES_MAX);
});
