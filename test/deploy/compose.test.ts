/** deploy/compose.yaml as a document: its schema, and what must hold of each container. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2019 } from 'ajv/dist/2019.js';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { loadCentralConfig } from '../../central/config/config.ts';

interface Service {
  readonly profiles?: readonly string[];
  readonly image?: string;
  readonly user?: string;
  readonly read_only?: boolean;
  readonly privileged?: boolean;
  readonly cap_drop?: readonly string[];
  readonly security_opt?: readonly string[];
  readonly command?: readonly string[] | string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly volumes?: readonly string[];
  readonly ports?: readonly string[];
  readonly secrets?: readonly string[];
  readonly healthcheck?: { readonly test: readonly string[] };
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
}

interface ComposeFile {
  readonly services: Readonly<Record<string, Service>>;
  readonly volumes: Readonly<Record<string, unknown>>;
  readonly secrets: Readonly<Record<string, { readonly file: string }>>;
}

const deploy = join(import.meta.dirname, '..', '..', 'deploy');
const text = readFileSync(join(deploy, 'compose.yaml'), 'utf8');
const compose = parse(text, { merge: true }) as ComposeFile;
const services = Object.entries(compose.services);
/** What stores of others want to write beside their data. */
const WRITABLE = ['opensearch', 'cassandra', 'influxdb', 'mariadb', 'postgres', 'hdfs-namenode', 'hdfs-datanode'];
/** Without what a variable says: its default. */
const plain = (value: string): string => value.replace(/\$\{\w+:-([^}]*)\}/g, '$1');
const namesWhere = (is: (service: Service, name: string) => boolean): string[] =>
  services.filter(([name, service]) => is(service, name)).map(([name]) => name);

test('it is what the Compose Specification says', () => {
  // The names that it gives to its parts are of an older draft than the one that it names.
  const schema = JSON.parse(readFileSync(join(import.meta.dirname, 'compose-spec.json'), 'utf8'), (name, value) =>
    (name === 'id' && typeof value === 'string') || name === '$schema' ? undefined : value,
  ) as object;
  const validate = new Ajv2019({ strict: false, validateFormats: false }).compile(schema);
  const valid = validate(compose);
  expect(validate.errors ?? []).toEqual([]);
  expect(valid).toBe(true);
});

test('each image has an exact version, no container is root or privileged, and ours write nowhere but in their volumes', () => {
  expect(namesWhere(({ image }) => !/:v?\d+\.\d+(\.\d+)*(@sha256:[0-9a-f]{64})?$/.test(image ?? ''))).toEqual([]);
  expect(namesWhere(({ user }) => !/^[1-9]\d*:\d+$/.test(plain(user ?? '')))).toEqual([]);
  expect(namesWhere(({ privileged }) => privileged === true)).toEqual([]);
  expect(namesWhere(({ cap_drop }) => cap_drop?.[0] !== 'ALL')).toEqual([]);
  expect(namesWhere(({ security_opt }) => security_opt?.[0] !== 'no-new-privileges:true')).toEqual([]);
  expect(namesWhere(({ read_only }) => read_only !== true)).toEqual(WRITABLE);
});

test('of the folder of `enroll` nothing is mounted but what is served: no container has the key of the authority', () => {
  const mounts = services.flatMap(([, service]) => service.volumes ?? []).map(plain);
  const ofAuthority = mounts.filter((mount) => mount.includes('authority'));
  expect(new Set(ofAuthority)).toEqual(new Set(['./authority/served:/authority:ro']));
  expect(ofAuthority).toHaveLength(4);
});

test('every port is open on loopback only until it is said otherwise', () => {
  const ports = services.flatMap(([, service]) => service.ports ?? []).map(plain);
  expect(ports.filter((port) => !port.startsWith('127.0.0.1:'))).toEqual([]);
  expect(new Set(ports).size).toBe(ports.length);
});

test('every file that is mounted is there, and every volume and secret is declared', () => {
  const sources = services.flatMap(([, service]) => service.volumes ?? []).map((mount) => plain(mount).split(':')[0]);
  const ofTheRepository = sources.filter((source) =>
    /^\.\/(compose|prometheus|alertmanager|grafana)\//.test(source ?? ''),
  );
  expect(ofTheRepository.length).toBeGreaterThan(10);
  expect(ofTheRepository.filter((source) => !existsSync(join(deploy, source as string)))).toEqual([]);
  const named = sources.filter((source) => !/^[./]/.test(source ?? ''));
  expect(named.filter((source) => !Object.hasOwn(compose.volumes, source as string))).toEqual([]);
  const secrets = services.flatMap(([, service]) => service.secrets ?? []);
  expect([...new Set(secrets)].sort()).toEqual(Object.keys(compose.secrets).sort());
});

test('no secret stands in it or beside it: each is a file', () => {
  const secret = /password|token|secret|key/i;
  const values = services.flatMap(([, { environment }]) => Object.entries(environment ?? {}));
  expect(
    values.filter(([name, value]) => secret.test(name) && !value.startsWith('/run/secrets/')).map(([name]) => name),
  ).toEqual(['MARIADB_RANDOM_ROOT_PASSWORD']);
  expect(text).not.toMatch(/-----BEGIN|[0-9a-f]{32}/);
});

test('each has a health check, and starts when what it needs is healthy', () => {
  expect(namesWhere(({ healthcheck }) => healthcheck === undefined)).toEqual([]);
  const needs = services.flatMap(([, { depends_on }]) => Object.entries(depends_on ?? {}));
  expect(needs.filter(([name]) => !Object.hasOwn(compose.services, name))).toEqual([]);
  expect(needs.filter(([, { condition }]) => condition !== 'service_healthy')).toEqual([]);
  expect(
    namesWhere((service, name) => /^(ingest|sink|bridge)/.test(name) && service.depends_on?.['kafka-1'] === undefined),
  ).toEqual([]);
});

test('each configuration of the centre is one, and every copy has its own', () => {
  const folder = join(deploy, 'compose', 'centre');
  const configs = readdirSync(folder).filter((file) => file.endsWith('.yaml'));
  for (const file of configs) {
    const { kafka } = loadCentralConfig(join(folder, file));
    expect(kafka?.replication, file).toBe(1);
    // What start.sh puts another number into.
    expect(readFileSync(join(folder, file), 'utf8')).toMatch(/^ {2}replication: 1$/m);
  }
  const started = services
    .filter(([, { image }]) => image?.startsWith('mooring:'))
    .map(([, { command }]) => command?.[0]);
  expect([...new Set(started)].sort()).toEqual(configs.map((file) => file.replace('.yaml', '')).sort());
});

test('the core has no store, and every other container a profile', () => {
  expect(namesWhere(({ profiles }) => profiles === undefined).sort()).toEqual([
    'alertmanager',
    'bridge',
    'grafana',
    'ingest-1',
    'ingest-2',
    'kafka-1',
    'mosquitto',
    'prometheus',
    'sink-archive',
  ]);
  const profiles = services.flatMap(([, service]) => service.profiles ?? []);
  expect([...new Set(profiles)].sort()).toEqual([
    'cassandra',
    'elastic',
    'hbase',
    'hdfs',
    'influx',
    'juicefs',
    'mariadb',
    'postgres',
    'production',
  ]);
});
