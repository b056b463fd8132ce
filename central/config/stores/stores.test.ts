import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { formatProblem, problemsOf } from '../../../runtime/config/problem.ts';
import { loadCentralConfig } from '../config.ts';
import type { SinkConfig } from '../types.ts';

let folder = '';
let file = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'mooring-stores-'));
  file = join(folder, 'central.yaml');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function load(sink: string): SinkConfig | undefined {
  writeFileSync(file, `kafka: { brokers: [127.0.0.1:9092] }\nsinks:\n  one: ${sink}\nstate: s\n`);
  return loadCentralConfig(file).sinks[0];
}

function problemsIn(sink: string): string[] {
  try {
    load(sink);
    return [];
  } catch (error) {
    return problemsOf(error).map((problem) => formatProblem(problem).replace(`${file}:`, ''));
  }
}

test('an influxdb of version 1 needs a URL and a database, and gets every default', () => {
  expect(load('{ influxdb: { url: http://influx:8086, database: home } }')).toEqual({
    kind: 'influxdb',
    name: 'one',
    place: 'http://influx:8086',
    batch: 5000,
    lingerMs: 0,
    take: {},
    options: {
      name: 'one',
      url: 'http://influx:8086',
      measurement: 'records',
      tags: [],
      place: { api: 'v1', database: 'home' },
    },
  });
});

test('one of version 2 has an organisation, a bucket and the file of a token; what is beside the kind goes with it', () => {
  const kind = 'influxdb: { url: https://i/db, api: v2, org: o, bucket: b, token: t, measurement: m, tags: [room] }';
  const beside = 'batch: 10, linger: 250ms, ca: ca.pem, take: { kinds: [alarm, gap], stations: [_gateway, buoy-7] }';
  expect(load(`{ ${kind}, ${beside} }`)).toEqual({
    kind: 'influxdb',
    name: 'one',
    place: 'https://i/db',
    batch: 10,
    lingerMs: 250,
    take: { kinds: ['alarm', 'gap'], stations: ['_gateway', 'buoy-7'] },
    options: {
      name: 'one',
      url: 'https://i/db',
      measurement: 'm',
      tags: ['room'],
      place: { api: 'v2', org: 'o', bucket: 'b', tokenFile: join(folder, 't') },
      caFile: join(folder, 'ca.pem'),
    },
  });
});

test('a mariadb needs a host; a user comes with the file of a password', () => {
  expect(load('{ mariadb: { host: db } }')).toEqual({
    kind: 'mariadb',
    name: 'one',
    place: 'db:3306',
    batch: 1000,
    lingerMs: 0,
    take: {},
    options: { name: 'one', host: 'db', port: 3306, database: 'mooring', table: 'records' },
  });
  const kind = 'mariadb: { host: 10.0.0.5, port: 3307, database: home, table: sensor_data }';
  expect(load(`{ ${kind}, user: u, password: pw, ca: ca.pem }`)).toMatchObject({
    place: '10.0.0.5:3307',
    options: {
      host: '10.0.0.5',
      port: 3307,
      database: 'home',
      table: 'sensor_data',
      user: 'u',
      passwordFile: join(folder, 'pw'),
      caFile: join(folder, 'ca.pem'),
    },
  });
  expect(problemsIn('{ mariadb: { port: 0, database: "a.b" } }')).toEqual([
    '3:10 sinks.one.mariadb.host: missing. The server: a name or an address.',
    '3:27 sinks.one.mariadb.port: is less than 1.',
    '3:40 sinks.one.mariadb.database: is not the name of a database. It has 1 to 64 letters, digits, $, _ and -.',
  ]);
});

test('a cassandra needs servers and a datacenter', () => {
  expect(load('{ cassandra: { hosts: [cass-1, cass-2], datacenter: datacenter1 } }')).toEqual({
    kind: 'cassandra',
    name: 'one',
    place: 'cass-1, cass-2',
    batch: 500,
    lingerMs: 0,
    take: {},
    options: {
      name: 'one',
      hosts: ['cass-1', 'cass-2'],
      datacenter: 'datacenter1',
      keyspace: 'mooring',
      replication: 1,
      runIndex: true,
      table: 'records',
    },
  });
  const kind =
    'cassandra: { hosts: [c:9142], datacenter: d, keyspace: iot, replication: 3, table: t, bucket: day, ttl: 365d }';
  expect(load(`{ ${kind}, user: u, password: pw, ca: ca.pem }`)).toMatchObject({
    options: {
      hosts: ['c:9142'],
      keyspace: 'iot',
      replication: 3,
      table: 't',
      ttlSeconds: 365 * 86_400,
      user: 'u',
      passwordFile: join(folder, 'pw'),
      caFile: join(folder, 'ca.pem'),
    },
  });
  const problems = problemsIn('{ cassandra: { hosts: [c:1, "e:0"], datacenter: d, ttl: 1h, keyspace: A } }');
  expect(problems).toEqual([
    expect.stringContaining('sinks.one.cassandra.hosts: name several ports.'),
    expect.stringContaining('sinks.one.cassandra.hosts[1]: is not the address of a server.'),
    expect.stringContaining('sinks.one.cassandra.ttl: is shorter than 1d.'),
    expect.stringContaining('sinks.one.cassandra.keyspace: is not the name of a keyspace.'),
  ]);
  expect(problemsIn('{ cassandra: { hosts: [c:1, d:2], datacenter: d } }')).toEqual([
    '3:30 sinks.one.cassandra.hosts: name several ports. All servers of a cluster listen on one port: write it with each, or with none.',
  ]);
});

test('an elasticsearch needs a URL, and keeps for ever unless it is told', () => {
  expect(load('{ elasticsearch: { url: https://es:9200 } }')).toEqual({
    kind: 'elasticsearch',
    name: 'one',
    place: 'https://es:9200',
    batch: 1000,
    lingerMs: 0,
    take: {},
    options: { name: 'one', url: 'https://es:9200', index: 'mooring', period: 'day' },
  });
  const kind = 'elasticsearch: { url: https://es:9200/search, index: city, period: month, retention: 90d }';
  expect(load(`{ ${kind}, user: u, password: pw, ca: ca.pem }`)).toMatchObject({
    options: {
      url: 'https://es:9200/search',
      index: 'city',
      period: 'month',
      retentionMs: 90 * 86_400_000,
      login: { user: 'u', passwordFile: join(folder, 'pw') },
      caFile: join(folder, 'ca.pem'),
    },
  });
  expect(problemsIn('{ elasticsearch: { url: http://es, index: A, retention: 1h }, ca: c }')).toEqual([
    expect.stringContaining('sinks.one.elasticsearch.index: is not what indices begin with.'),
    expect.stringContaining('3:64 sinks.one.elasticsearch.retention: is shorter than 1d.'),
    '3:70 sinks.one.ca: has no effect without TLS. Write `https://` in `url`, or remove it.',
  ]);
});

test('an hdfs needs a URL and a folder; it waits a minute for others, and a user needs no password', () => {
  expect(load('{ hdfs: { url: http://nn:9870, path: /mooring } }')).toEqual({
    kind: 'hdfs',
    name: 'one',
    place: 'http://nn:9870/mooring',
    batch: 10_000,
    lingerMs: 60_000,
    take: {},
    options: { name: 'one', url: 'http://nn:9870', path: '/mooring', rollMs: 3_600_000 },
  });
  const kind = 'hdfs: { url: https://knox:8443/gateway/plant, path: /data/sensors/lake=1, roll: 10m }';
  expect(load(`{ ${kind}, user: etl, linger: 5s }`)).toMatchObject({
    lingerMs: 5000,
    options: { path: '/data/sensors/lake=1', rollMs: 600_000, user: 'etl' },
  });
  expect(load(`{ ${kind}, user: u, password: pw, ca: ca.pem }`)).toMatchObject({
    options: { login: { user: 'u', passwordFile: join(folder, 'pw') }, caFile: join(folder, 'ca.pem') },
  });
  for (const path of ['mooring', '/', '/a/', '/a//b', '/a/../b', '/a:b', '/a/.', '"/a\\n"']) {
    const problems = problemsIn(`{ hdfs: { url: http://nn, path: ${path} } }`);
    expect(problems, path).toEqual([expect.stringContaining('path: is not the path of a folder in HDFS.')]);
  }
  expect(problemsIn('{ hdfs: { url: http://nn, path: /a, roll: 30d }, password: p, ca: c }')).toEqual([
    expect.stringContaining('sinks.one.hdfs.roll: is longer than 7d.'),
    expect.stringContaining('sinks.one.password: stands without `user`.'),
    expect.stringContaining('sinks.one.ca: has no effect without TLS.'),
  ]);
});

test('an hbase needs a URL, and each layout has a key of its own', () => {
  expect(load('{ hbase: { url: http://hbase:8080 } }')).toEqual({
    kind: 'hbase',
    name: 'one',
    place: 'http://hbase:8080',
    batch: 1000,
    lingerMs: 0,
    take: {},
    options: { name: 'one', url: 'http://hbase:8080', table: 'mooring', layout: { kind: 'records', salt: 16 } },
  });
  const kind = 'hbase: { url: https://proxy/hbase, table: plant:t-1.x, layout: ntua, zone: Europe/Athens }';
  expect(load(`{ ${kind}, user: u, password: pw, ca: ca.pem }`)).toMatchObject({
    options: {
      table: 'plant:t-1.x',
      layout: { kind: 'ntua', zone: { name: 'Europe/Athens' } },
      login: { user: 'u', passwordFile: join(folder, 'pw') },
      caFile: join(folder, 'ca.pem'),
    },
  });
  expect(load('{ hbase: { url: http://h, salt: 1000 } }')).toMatchObject({ options: { layout: { salt: 1000 } } });
  expect(load('{ hbase: { url: http://h, layout: ntua } }')).toMatchObject({
    options: { layout: { zone: { name: 'UTC' } } },
  });
  expect(
    problemsIn('{ hbase: { url: http://h, table: "a:b:c", salt: 1001, zone: Europe/Atlantis }, user: u }'),
  ).toEqual([
    expect.stringContaining('sinks.one.hbase.table: is not the name of a table.'),
    expect.stringContaining('sinks.one.hbase.salt: is more than 1000.'),
    expect.stringContaining('sinks.one.hbase.zone: goes with `layout: ntua` only.'),
    expect.stringContaining('sinks.one.hbase.zone: is not a time zone.'),
    expect.stringContaining('sinks.one.user: stands without `password`.'),
  ]);
  expect(problemsIn('{ hbase: { url: http://h, layout: ntua, salt: 4 } }')).toEqual([
    '3:48 sinks.one.hbase.salt: goes with `layout: records` only. Remove it, or write `layout: records`.',
  ]);
});

test('a secret that others than its owner and group may use is refused, with its mode; one that is not there is not', () => {
  const secret = join(folder, 'secret');
  writeFileSync(secret, 'x\n');
  const sink = '{ influxdb: { url: http://i, database: d }, user: u, password: secret }';
  for (const mode of [0o604, 0o644, 0o620, 0o601, 0o666]) {
    chmodSync(secret, mode);
    expect(problemsIn(sink), mode.toString(8)).toEqual([
      `3:71 sinks.one.password: is the file ${secret} of mode 0${mode.toString(8)}: others may use the secret. \`chmod 600 ${secret}\`, or 640 for a group.`,
    ]);
  }
  for (const mode of [0o400, 0o600, 0o640]) {
    chmodSync(secret, mode);
    expect(load(sink)).toMatchObject({ options: { place: { user: 'u', passwordFile: secret } } });
  }
  chmodSync(secret, 0o644);
  const token = '{ influxdb: { url: http://i, api: v2, org: o, bucket: b, token: secret } }';
  expect(problemsIn(token)).toEqual([
    expect.stringContaining(`sinks.one.influxdb.token: is the file ${secret} of mode 0644`),
  ]);
  rmSync(secret);
  expect(problemsIn(sink)).toEqual([]);
});
