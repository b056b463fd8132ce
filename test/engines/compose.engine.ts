/** deploy/compose.yaml as Docker Compose reads it, and what can be run of it here: its Mosquitto, with its health check. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Enrolment } from '../../central/enroll/enrolment.ts';
import { systemOpenssl } from '../../central/enroll/openssl.ts';
import { systemClock } from '../../runtime/clock.ts';
import { systemRandom } from '../../runtime/random.ts';
import { accepts, freePort } from '../ports.ts';
import { eventually, Programs } from '../processes.ts';

const DEPLOY = join(import.meta.dirname, '..', '..', 'deploy');
const CORE = ['mosquitto', 'kafka-1', 'ingest-1', 'ingest-2', 'bridge', 'sink-archive', 'prometheus', 'grafana'];
const PROFILES: Readonly<Record<string, readonly string[]>> = {
  production: ['kafka-2', 'kafka-3'],
  elastic: ['opensearch', 'sink-elastic'],
  cassandra: ['cassandra', 'sink-cassandra'],
  influx: ['influxdb', 'sink-influx'],
  hbase: ['sink-hbase'],
  hdfs: ['hdfs-namenode', 'hdfs-datanode', 'sink-hdfs'],
  juicefs: ['sink-juicefs'],
  mariadb: ['mariadb', 'sink-mariadb'],
  postgres: ['postgres', 'sink-postgres'],
};
const PLACE = { host: 'centre.example', mqttPort: 8883, udpPort: 20_100, alsoHosts: ['mosquitto'] };

let folder: string;
let programs: Programs;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'mooring-compose-'));
  programs = new Programs();
});
afterAll(async () => {
  await programs.end();
  rmSync(folder, { recursive: true, force: true });
});

function composed(...args: readonly string[]): readonly string[] {
  const { status, stdout, stderr } = spawnSync('docker-compose', ['-f', join(DEPLOY, 'compose.yaml'), ...args], {
    encoding: 'utf8',
  });
  expect([status, stderr]).toEqual([0, '']);
  return stdout.split('\n').filter((line) => line !== '');
}

test('Docker Compose reads it', () => {
  expect(composed('config', '--services')).toEqual(expect.arrayContaining(CORE));
});

test.each(Object.entries(PROFILES))('and with the profile %s', (profile, more) => {
  expect(composed('--profile', profile, 'config', '--services')).toEqual(expect.arrayContaining([...CORE, ...more]));
});

test('three brokers of Kafka have one quorum and three copies of each record', () => {
  const env = ['--env-file', join(DEPLOY, 'compose', 'production.env'), '--profile', 'production'];
  const text = composed(...env, 'config').join('\n');
  expect(text.match(/VOTERS: 1@kafka-1:9093,2@kafka-2:9093,3@kafka-3:9093/g)).toHaveLength(3);
  expect(text).not.toMatch(/(REPLICATION|COPIES): '?1'?$/m);
});

test('promtool takes the configuration of Prometheus, but for what is mounted', () => {
  const text = readFileSync(join(DEPLOY, 'compose', 'prometheus', 'prometheus.yaml'), 'utf8');
  const config = join(folder, 'prometheus.yaml');
  writeFileSync(join(folder, 'metrics-token'), 'token\n');
  writeFileSync(config, text.replace('/etc/mooring/', `${DEPLOY}/prometheus/`).replace('/run/secrets/', `${folder}/`));
  const { status, stdout, stderr } = spawnSync('promtool', ['check', 'config', config], { encoding: 'utf8' });
  expect([status, stderr], stdout).toEqual([0, '']);
});

test('its Mosquitto starts with its configuration, and its health check tells whether it serves', async () => {
  const authority = join(folder, 'enrolment', 'served');
  const world = { clock: systemClock, random: systemRandom, openssl: systemOpenssl };
  await new Enrolment({ folder: join(folder, 'enrolment'), ...world }).enroll({
    gateway: 'plaka',
    place: PLACE,
    days: 2,
    renew: false,
  });
  const [secure, plain] = [await freePort(), await freePort()];
  const data = join(folder, 'data');
  mkdirSync(data);
  const text = readFileSync(join(DEPLOY, 'compose', 'mosquitto', 'mosquitto.conf'), 'utf8')
    .replaceAll('/authority/', `${authority}/`)
    .replace('/mosquitto/data/', `${data}/`)
    .replace('listener 8883', `listener ${secure} 127.0.0.1`)
    .replace('listener 1883', `listener ${plain} 127.0.0.1`);
  const config = join(folder, 'mosquitto.conf');
  // Started by root it would become another user, who has no way into the folder.
  writeFileSync(config, process.getuid?.() === 0 ? `${text}user root\n` : text);
  const health = (): number | null =>
    spawnSync(join(DEPLOY, 'compose', 'mosquitto', 'health.sh'), [String(secure), authority]).status;
  expect(health()).not.toBe(0);
  const broker = programs.start({ name: 'mosquitto', command: 'mosquitto', args: ['-c', config] });
  await eventually('it accepts connections', 10_000, async () => {
    broker.mustRun();
    return await accepts(secure);
  });
  expect(health()).toBe(0);
  const { status } = spawnSync('mosquitto_pub', [
    '-h',
    '127.0.0.1',
    '-p',
    String(plain),
    '-t',
    'meters/1',
    '-n',
    '-q',
    '1',
  ]);
  expect(status).not.toBe(0);
});
