import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { Centre } from '../../central/app.ts';
import { loadCentralConfig } from '../../central/config/config.ts';
import type { EmbeddedBrokerStatus } from '../../central/ingest/ingest.ts';
import { systemClock } from '../../runtime/clock.ts';
import { silentLog } from '../../runtime/log.ts';
import { systemRandom } from '../../runtime/random.ts';
import { batchOf, saltOf, samplesOf } from '../batches.ts';
import { PlainGateway } from '../plain-gateway.ts';
import { eventually } from '../processes.ts';

const CONFIG = `ingest: { mqtt: { listen: 127.0.0.1:0 } }
sinks: { archive: { files: { path: records } } }
state: state
metrics: { listen: 127.0.0.1:0 }
live: { listen: 127.0.0.1:0 }
`;

test('what a gateway sends is seen by whoever listens, and counted, once each', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'mooring-live-'));
  writeFileSync(join(folder, 'central.yaml'), CONFIG);
  const config = loadCentralConfig(join(folder, 'central.yaml'));
  const centre = new Centre(config, { clock: systemClock, random: systemRandom, log: silentLog });
  await centre.start();
  const { ingest, live, metrics } = centre.status();
  const gateway = await PlainGateway.connect((ingest[0] as EmbeddedBrokerStatus).url as string, 'plaka');
  const listener = new WebSocket(`ws://127.0.0.1:${live?.address?.port}/api/v1/live?station=buoy-7`);
  const temperatures: number[] = [];
  listener.on('message', (data) => temperatures.push(JSON.parse(String(data)).record.temperature));
  try {
    await new Promise((resolve) => listener.once('open', resolve));
    for (const batch of [1, 2]) {
      await gateway.send(batchOf({ salt: saltOf(1), records: samplesOf([1, 2, 3]), batch }));
      await gateway.nextAck();
    }
    await gateway.send(batchOf({ salt: saltOf(1), records: samplesOf([4]), batch: 3 }));
    await eventually('the last has come', 10_000, () => temperatures.includes(20.04));
    expect(temperatures).toEqual([20.01, 20.02, 20.03, 20.04]);
    const url = `http://127.0.0.1:${metrics?.port}`;
    expect((await fetch(`${url}/readyz`)).status).toBe(200);
    const text = await (await fetch(`${url}/metrics`)).text();
    expect(text).toContain('mooring_centre_gateway_records_total{gateway="plaka"} 4');
    expect(text).toContain('mooring_centre_records_duplicate_total 3');
    expect(text).toContain('mooring_centre_live_clients 1');
  } finally {
    listener.terminate();
    await gateway.end();
    await centre.stop();
    rmSync(folder, { recursive: true, force: true });
  }
});
