import { spawnSync } from 'node:child_process';
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
import { batchOf, saltOf, sampleOf } from '../batches.ts';
import { PlainGateway } from '../plain-gateway.ts';
import { eventually } from '../processes.ts';
import { Monitoring, type PostedAlert } from './prometheus.ts';

const RULES = join(import.meta.dirname, '..', '..', 'deploy', 'prometheus');
const ALERT_MS = 45_000;

let folder: string;
let centre: Centre;
let gateway: PlainGateway;
let monitoring: Monitoring;
let sequence = 0;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'mooring-monitored-'));
  const tokenFile = join(folder, 'metrics.token');
  writeFileSync(tokenFile, 'a-token-of-some-length\n', { mode: 0o600 });
  writeFileSync(join(folder, 'gateways.txt'), 'plaka\nkolonaki\n');
  const file = join(folder, 'central.yaml');
  writeFileSync(
    file,
    `ingest: { mqtt: { listen: 127.0.0.1:0 } }
sinks: { archive: { files: { path: records } } }
state: state
metrics: { listen: 127.0.0.1:0, token: metrics.token, gateways: gateways.txt }
`,
  );
  centre = new Centre(loadCentralConfig(file), { clock: systemClock, random: systemRandom, log: silentLog });
  await centre.start();
  const { ingest, metrics } = centre.status();
  gateway = await PlainGateway.connect((ingest[0] as EmbeddedBrokerStatus).url as string, 'plaka');
  monitoring = await Monitoring.start({ target: `127.0.0.1:${metrics?.port}`, tokenFile });
});
afterAll(async () => {
  await gateway?.end();
  await monitoring?.stop();
  await centre?.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function send(kind: RecordKind, info?: Info): Promise<void> {
  sequence += 1;
  const record = { ...sampleOf(sequence), timestampMs: systemClock.wallMs(), kind };
  const { metrics, ...rest } = record;
  const whole = kind === 'sample' ? record : { ...rest, metrics: {}, ...(info === undefined ? {} : { info }) };
  await gateway.send(batchOf({ salt: saltOf(1), records: [whole], batch: sequence }));
  await gateway.nextAck();
}

function alertOf(alertname: string, status: PostedAlert['status']): PostedAlert | undefined {
  return monitoring.alerts.find(({ labels, ...alert }) => labels.alertname === alertname && alert.status === status);
}

test('promtool: every alert fires when it should, and not when it should not', () => {
  const { status, stdout, stderr } = spawnSync('promtool', ['test', 'rules', 'rules-tests.yaml'], {
    cwd: RULES,
    encoding: 'utf8',
  });
  expect([status, stderr], stdout).toEqual([0, '']);
  for (const args of [
    ['rules', 'rules.yaml'],
    ['config', 'prometheus.yaml'],
  ]) {
    expect(spawnSync('promtool', ['check', ...args], { cwd: RULES, encoding: 'utf8' }).status).toBe(0);
  }
});

test('Prometheus scrapes the centre with its token, and promtool has no fault to find with what it says', async () => {
  await send('sample');
  await eventually('it is up', ALERT_MS, async () => (await monitoring.query('up'))[0]?.value === 1);
  const records = 'mooring_centre_gateway_records_total{gateway="plaka"}';
  await eventually('its records are counted', ALERT_MS, async () => (await monitoring.query(records))[0]?.value === 1);
  const { metrics } = centre.status();
  const headers = { authorization: 'Bearer a-token-of-some-length' };
  const text = await (await fetch(`http://127.0.0.1:${metrics?.port}/metrics`, { headers })).text();
  const checked = spawnSync('promtool', ['check', 'metrics'], { input: text, encoding: 'utf8' });
  expect([checked.status, checked.stderr, checked.stdout]).toEqual([0, '', '']);
});

test('an alarm of a gateway goes through Alertmanager, and is cleared when the gateway clears it', async () => {
  const alarm = { alarm: 'hot', level: 'critical', metric: 'temperature', value: 41.5 };
  await send('alarm', { event: 'raised', ...alarm });
  const fired = await eventually('it is heard', ALERT_MS, () => alertOf('LocalAlarm', 'firing'));
  expect(fired.labels).toMatchObject({ gateway: 'plaka', station: 'buoy-7', alarm: 'hot', severity: 'critical' });
  expect(fired.annotations.summary).toBe('hot at buoy-7 of plaka');
  await send('alarm', { event: 'cleared', ...alarm });
  await eventually('its end is heard', ALERT_MS, () => alertOf('LocalAlarm', 'resolved'));
  expect(monitoring.alerts.filter(({ labels }) => labels.alertname === 'LocalAlarm').length).toBe(2);
});

test('a refused record, a gap and a gateway that was never heard are heard of', async () => {
  // A gap that is of no run.
  await send('gap', { run: 'that one', ranges: [[1, 9]], count: 9, reason: 'dropped' });
  await send('gap', { run: Buffer.from(saltOf(2)).toString('hex'), ranges: [[1, 9]], count: 9, reason: 'dropped' });
  const letter = await eventually('the dead letter', ALERT_MS, () => alertOf('DeadLetters', 'firing'));
  expect(letter.labels.code).toBe('invalid_record');
  const gap = await eventually('the gap', ALERT_MS, () => alertOf('GapDeclared', 'firing'));
  expect(gap.labels.gateway).toBe('plaka');
  const pending = 'ALERTS{alertname="GatewaySilent",gateway="kolonaki"}';
  await eventually('the one that is missing', ALERT_MS, async () => (await monitoring.query(pending)).length === 1);
});
