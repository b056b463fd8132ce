import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Centre } from '../../central/app.ts';
import type { CentralConfig, MqttIngestConfig } from '../../central/config/types.ts';
import { BrokerLink } from '../../central/ingest/broker-link.ts';
import type { BatchReceiver } from '../../central/ingest/ingest.ts';
import { encodeAck } from '../../protocol/ack-codec.ts';
import { decodePreamble } from '../../protocol/batch-codec.ts';
import { systemClock } from '../../runtime/clock.ts';
import { systemRandom } from '../../runtime/random.ts';
import { batchOf, saltOf, samplesOf } from '../batches.ts';
import { makeCertificates } from '../certificates.ts';
import { LogLines } from '../log-lines.ts';
import { Mosquitto } from '../mosquitto.ts';
import { PlainGateway } from '../plain-gateway.ts';
import { eventually, Programs } from '../processes.ts';

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
    expect(centre.status().ingest).toMatchObject([{ isConnected: false }]);
    await broker.start();
    await lines.until('info: the broker is back');
    const after = await PlainGateway.connect(url, 'plaka');
    open.push(() => after.end());
    await after.send(batchOf({ salt: SALT, records: samplesOf([2, 3, 4]), batch: 2 }));
    expect((await after.nextAck()).stored).toEqual([[2, 4]]);
    expect(linesInFile()).toBe(3);
  });

  test('of two copies with one shared subscription each batch reaches one, and a copy that ends leaves the rest to the other', async () => {
    const broker = await Mosquitto.prepare({ folder: join(folder, 'broker'), programs });
    await broker.start();
    const url = `mqtt://127.0.0.1:${broker.port}`;
    const reached: number[][] = [[], []];
    const links = reached.map((batches) => {
      const intake: BatchReceiver = {
        receive: (_gateway, bytes, answer) => {
          const { batch, salt, token } = decodePreamble(bytes);
          batches.push(batch);
          answer(encodeAck({ salt, batch, token, stored: [[batch, batch]] }));
        },
      };
      const config = { url, share: 'centre', ...NO_FILES };
      return new BrokerLink({ config, intake, clock: systemClock, random: systemRandom, log: lines });
    });
    const [one, other] = links as [BrokerLink, BrokerLink];
    for (const link of links) {
      open.push(() => link.close());
      await link.open(new AbortController().signal);
      await eventually('the copy is connected', 5000, () => link.status().isConnected);
    }
    const gateway = await PlainGateway.connect(url, 'plaka');
    open.push(() => gateway.end());
    const send = async (first: number, last: number): Promise<void> => {
      for (let batch = first; batch <= last; batch += 1) {
        await gateway.send(batchOf({ salt: SALT, records: samplesOf([batch]), batch }));
        expect(await gateway.nextAck()).toMatchObject({ batch });
      }
    };
    await send(1, 20);
    expect(reached.flat().sort((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, index) => index + 1));
    expect(reached.map(({ length }) => length > 0)).toEqual([true, true]);
    await one.close();
    await send(21, 30);
    expect(reached[1]?.slice(-10)).toEqual(Array.from({ length: 10 }, (_, index) => index + 21));
    expect(other.status().isConnected).toBe(true);
  });

  test('with certificates and rules on its topics, which hold for a shared subscription too', {
    tags: ['openssl'],
  }, async () => {
    const certificates = await makeCertificates(join(folder, 'certificates'), 'plaka');
    const broker = await Mosquitto.prepare({ folder: join(folder, 'broker'), programs, certificates });
    await broker.start();
    const url = `mqtts://127.0.0.1:${broker.port}`;
    const { ca, centre, gateway } = certificates;
    await centreAt({
      mode: 'client',
      url,
      share: 'centre',
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
