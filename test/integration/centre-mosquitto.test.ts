import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Centre } from '../../central/app.ts';
import type { CentralConfig, MqttIngestConfig } from '../../central/config/types.ts';
import { systemClock } from '../../runtime/clock.ts';
import { systemRandom } from '../../runtime/random.ts';
import { batchOf, saltOf, samplesOf } from '../batches.ts';
import { makeCertificates } from '../certificates.ts';
import { LogLines } from '../log-lines.ts';
import { Mosquitto } from '../mosquitto.ts';
import { PlainGateway } from '../plain-gateway.ts';
import { Programs } from '../processes.ts';

const SALT = saltOf(1);
const NO_FILES = {
  caFile: undefined,
  certFile: undefined,
  keyFile: undefined,
  user: undefined,
  passwordFile: undefined,
};

let folder: string;
let lines: LogLines;
let open: (() => Promise<void>)[];
let programs: Programs;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mooring-centre-'));
  lines = new LogLines();
  programs = new Programs();
  open = [async () => rmSync(folder, { recursive: true, force: true }), () => programs.end()];
});
afterEach(async () => {
  for (const close of open.reverse()) await close();
});

async function centreAt(mqtt: MqttIngestConfig): Promise<Centre> {
  const config: CentralConfig = {
    file: 'central.yaml',
    ingest: { mqtt, udp: undefined, intakeBytesMax: 2 ** 20 },
    kafka: undefined,
    ack: ['archive'],
    sinks: [{ kind: 'files', name: 'archive', path: join(folder, 'records'), format: 'ndjson', layout: 'date' }],
    stateDir: join(folder, 'state'),
    logLevel: 'silent',
  };
  const centre = new Centre(config, { clock: systemClock, random: systemRandom, log: lines });
  open.push(() => centre.stop());
  await centre.start();
  await lines.until('info: connected to the broker');
  return centre;
}

const linesInFile = (): number =>
  readFileSync(join(folder, 'records/2026/01/31/23.ndjson'), 'utf8').split('\n').length - 1;

describe('over a real Mosquitto', { tags: ['mosquitto'] }, () => {
  test('a broker that is killed and comes back loses nothing and doubles nothing', async () => {
    const broker = await Mosquitto.prepare({ folder: join(folder, 'broker'), programs });
    await broker.start();
    const url = `mqtt://127.0.0.1:${broker.port}`;
    const centre = await centreAt({ mode: 'client', url, share: undefined, ...NO_FILES });
    const before = await PlainGateway.connect(url, 'plaka');
    await before.send(batchOf({ salt: SALT, records: samplesOf([2, 3]) }));
    expect((await before.nextAck()).stored).toEqual([[2, 3]]);

    await broker.kill();
    await lines.until('warn: the broker is out of reach; trying again');
    expect(centre.status().ingest).toMatchObject({ isConnected: false });
    await broker.start();
    await lines.until('info: the broker is back');
    const after = await PlainGateway.connect(url, 'plaka');
    open.push(() => after.end());
    await after.send(batchOf({ salt: SALT, records: samplesOf([2, 3, 4]), batch: 2 }));
    expect((await after.nextAck()).stored).toEqual([[2, 4]]);
    expect(linesInFile()).toBe(3);
  });

  test('with certificates and rules on its topics', { tags: ['openssl'] }, async () => {
    const certificates = await makeCertificates(join(folder, 'certificates'), 'plaka');
    const broker = await Mosquitto.prepare({ folder: join(folder, 'broker'), programs, certificates });
    await broker.start();
    const url = `mqtts://127.0.0.1:${broker.port}`;
    const { ca, centre, gateway } = certificates;
    await centreAt({
      mode: 'client',
      url,
      share: undefined,
      ...NO_FILES,
      caFile: ca,
      certFile: centre.cert,
      keyFile: centre.key,
    });
    const plaka = await PlainGateway.connect(url, 'plaka', {
      ca: readFileSync(ca),
      cert: readFileSync(gateway.cert),
      key: readFileSync(gateway.key),
    });
    open.push(() => plaka.end());
    await plaka.send(batchOf({ salt: SALT, records: samplesOf([2]) }));
    expect((await plaka.nextAck()).stored).toEqual([[2, 2]]);
    expect(linesInFile()).toBe(1);
  });
});
