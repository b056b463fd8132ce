/** Every panel of deploy/grafana, asked of a real Prometheus and a real InfluxDB behind a centre that has had one of everything. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Centre } from '../../central/app.ts';
import { loadCentralConfig } from '../../central/config/config.ts';
import type { EmbeddedBrokerStatus } from '../../central/ingest/ingest.ts';
import type { Info, RecordKind } from '../../protocol/record.ts';
import { systemClock } from '../../runtime/clock.ts';
import { silentLog } from '../../runtime/log.ts';
import { systemRandom } from '../../runtime/random.ts';
import { MemoryKafka } from '../../sim/memory-kafka.ts';
import { batchOf, saltOf, sampleOf } from '../batches.ts';
import { dashboardsIn } from '../deploy/dashboards.ts';
import { PlainGateway } from '../plain-gateway.ts';
import { eventually } from '../processes.ts';
import { Influx } from './influx.ts';
import { Monitoring } from './prometheus.ts';

const DASHBOARDS = join(import.meta.dirname, '..', '..', 'deploy', 'grafana', 'dashboards');
const DATA_MS = 40_000;
const panels = dashboardsIn(DASHBOARDS).flatMap(({ uid, panels: all }) =>
  all.flatMap(({ title, targets }) => targets.map((target) => ({ name: `${uid}: ${title}`, target }))),
);

let folder: string;
let influx: Influx;
let centre: Centre;
let gateway: PlainGateway;
let monitoring: Monitoring;
let batch = 0;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'mooring-dashboards-'));
  influx = await Influx.start();
  writeFileSync(join(folder, 'gateways.txt'), 'plaka\n');
  const file = join(folder, 'central.yaml');
  writeFileSync(
    file,
    `ingest: { mqtt: { listen: 127.0.0.1:0 } }
kafka: { brokers: [127.0.0.1:9092] }
sinks: { series: { influxdb: { url: '${influx.url}', database: mooring } } }
state: state
metrics: { listen: 127.0.0.1:0, gateways: gateways.txt }
`,
  );
  const kafka = new MemoryKafka();
  const createClient = async (): Promise<MemoryKafka> => await Promise.resolve(kafka);
  const world = { clock: systemClock, random: systemRandom, log: silentLog, createClient };
  centre = new Centre(loadCentralConfig(file), world);
  await centre.start();
  const { ingest, metrics } = centre.status();
  gateway = await PlainGateway.connect((ingest[0] as EmbeddedBrokerStatus).url as string, 'plaka');
  monitoring = await Monitoring.start({ target: `127.0.0.1:${metrics?.port}` });
  for (const sequence of [1, 2, 3, 7]) await send(sequence, 'sample');
  await send(8, 'alarm', { event: 'raised', alarm: 'hot', level: 'critical', metric: 'temperature', value: 41.5 });
  const run = Buffer.from(saltOf(2)).toString('hex');
  await send(9, 'gap', { run, ranges: [[1, 9]], count: 9, reason: 'dropped' });
  await send(10, 'gap', { run: 'that one', ranges: [[1, 9]], count: 9, reason: 'dropped' });
  // How fast something grows is seen from the second look on.
  const taken = 'mooring_centre_ack_latency_seconds_count > 0';
  await eventually('it was looked at', DATA_MS, async () => (await monitoring.query(taken)).length > 0);
  await send(11, 'sample');
});
afterAll(async () => {
  await gateway?.end();
  await monitoring?.stop();
  await centre?.stop();
  await influx?.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function send(sequence: number, kind: RecordKind, info?: Info): Promise<void> {
  batch += 1;
  const timestampMs = systemClock.wallMs() - 10_000 + sequence;
  const metrics = kind === 'sample' ? { temperature: 21.5, humidity: 40, pressure: 1013.2 } : {};
  const record = { ...sampleOf(sequence), timestampMs, kind, metrics, ...(info === undefined ? {} : { info }) };
  await gateway.send(batchOf({ salt: saltOf(1), records: [record], batch }));
  await gateway.nextAck();
}

/** How many rows a query of InfluxQL gives, with Grafana's words for the time that is shown. */
async function rowsOf(query: string): Promise<number> {
  const asked = query.replaceAll('$timeFilter', 'time > now() - 1h AND time < now()').replaceAll('$__interval', '10s');
  const parameters = new URLSearchParams({ db: 'mooring', q: asked });
  const { results } = (await (await fetch(`${influx.url}/query?${parameters}`)).json()) as {
    readonly results: readonly { readonly error?: string; readonly series?: readonly { values: unknown[] }[] }[];
  };
  expect(results[0]?.error).toBeUndefined();
  return (results[0]?.series ?? []).reduce((count, { values }) => count + values.length, 0);
}

test.each(panels)('$name', async ({ target: { expr, query } }) => {
  await eventually('it has data', DATA_MS, async () =>
    expr === undefined
      ? (await rowsOf(query as string)) > 0
      : (await monitoring.query(expr)).some(({ value }) => Number.isFinite(value)),
  );
});
