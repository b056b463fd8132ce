import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { formatProblem, problemsOf } from '../../runtime/config/problem.ts';
import { loadCentralConfig } from './config.ts';

let folder = '';
let file = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'mooring-central-'));
  file = join(folder, 'central.yaml');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const load = (text: string) => {
  writeFileSync(file, text);
  return loadCentralConfig(file);
};

const problemsIn = (text: string): string[] => {
  try {
    load(text);
    return [];
  } catch (error) {
    const problems = problemsOf(error);
    if (problems.length === 0) throw error;
    return problems.map((problem) => formatProblem(problem).replace(`${file}:`, ''));
  }
};

const withMqtt = (mqtt: string): string =>
  `ingest: { mqtt: ${mqtt} }\nsinks: { archive: { files: { path: r } } }\nstate: s\n`;

test('the least that a centre needs gets every default, and absolute paths', () => {
  expect(load(withMqtt('{ listen: 127.0.0.1:1883 }'))).toEqual({
    file,
    ingest: {
      mqtt: { mode: 'embedded', listen: { host: '127.0.0.1', port: 1883 }, tls: undefined },
      udp: undefined,
      intakeBytesMax: 16 * 2 ** 20,
    },
    kafka: undefined,
    ack: ['archive'],
    sinks: [{ kind: 'files', name: 'archive', path: join(folder, 'r'), format: 'ndjson', layout: 'date' }],
    stateDir: join(folder, 's'),
    logLevel: 'info',
  });
});

test('a client of a broker has its login and certificates', () => {
  const { ingest } = load(
    withMqtt('{ url: mqtts://b:8883, ca: ca.pem, cert: c.pem, key: k.pem, user: u, password: pw }'),
  );
  expect(ingest.mqtt).toEqual({
    mode: 'client',
    url: 'mqtts://b:8883',
    caFile: join(folder, 'ca.pem'),
    certFile: join(folder, 'c.pem'),
    keyFile: join(folder, 'k.pem'),
    user: 'u',
    passwordFile: join(folder, 'pw'),
    share: undefined,
  });
});

test('copies that read one broker say the name of their shared subscription', () => {
  expect(load(withMqtt('{ url: mqtt://b, share: centre }')).ingest.mqtt).toMatchObject({ share: 'centre' });
  expect(problemsIn(withMqtt('{ url: mqtt://b, share: a/b }'))[0]).toContain(
    'is not the name of a shared subscription',
  );
});

const UDP = 'ingest: { udp: { listen: 127.0.0.1:20100, keys: keys } }\n';
const KAFKA = 'kafka: { brokers: [127.0.0.1:9092] }\n';
const SINKS = 'sinks: { archive: { files: { path: r } }, acks: { ack_log: { path: k } } }\n';

test('UDP stands beside MQTT, or alone', () => {
  const udp = { listen: { host: '127.0.0.1', port: 20_100 }, keysDir: join(folder, 'keys') };
  expect(load(`${UDP}${SINKS}state: s\n`).ingest).toMatchObject({ mqtt: undefined, udp });
  expect(load(`${UDP.replace('{ udp', '{ mqtt: { url: mqtt://b }, udp')}${SINKS}state: s\n`).ingest).toMatchObject({
    mqtt: { mode: 'client', url: 'mqtt://b' },
    udp,
  });
});

test('Kafka gets every default, and its word is enough for an acknowledgement', () => {
  const least = load(`${UDP}${KAFKA}${SINKS}state: s\n`);
  expect(least.kafka).toEqual({
    client: 'kafkajs',
    brokers: ['127.0.0.1:9092'],
    partitions: 6,
    replication: 1,
    prefix: 'mooring',
    retentionMs: 30 * 86_400_000,
  });
  expect(least.ack).toEqual([]);
  expect(load(`${UDP}${KAFKA}${SINKS}ack: [kafka]\nstate: s\n`).ack).toEqual([]);
  const all =
    'kafka: { brokers: ["[::1]:9092", b-2.example:9093], partitions: 1, replication: 3, prefix: m.x, retention: 12h, client: platformatic }\n';
  expect(load(`${UDP}${all}state: s\n`).kafka).toEqual({
    client: 'platformatic',
    brokers: ['[::1]:9092', 'b-2.example:9093'],
    partitions: 1,
    replication: 3,
    prefix: 'm.x',
    retentionMs: 12 * 3_600_000,
  });
});

test('with Kafka named sinks decide, wherever they run, and some may be left out; never an ack_log', () => {
  const text = (ack: string): string => `${UDP}${KAFKA}${SINKS}ack: ${ack}\nstate: s\n`;
  expect(load(text('[archive]')).ack).toEqual(['archive']);
  expect(load(text('[elsewhere]')).ack).toEqual(['elsewhere']);
  expect(problemsIn(text('[archive, acks]'))).toEqual([expect.stringContaining('`acks` is an `ack_log`')]);
  expect(problemsIn(text('[archive, kafka]'))).toEqual([expect.stringContaining('`kafka` stands beside sinks')]);
});

test('with Kafka a centre takes in, or stores, or does both', () => {
  expect(load(`${UDP}${KAFKA}state: s\n`)).toMatchObject({ sinks: [], ack: [] });
  expect(load(`${UDP}${KAFKA}sinks: {}\nack: [archive]\nstate: s\n`)).toMatchObject({ sinks: [], ack: ['archive'] });
  expect(load(`${KAFKA}${SINKS}state: s\n`).ingest).toMatchObject({ mqtt: undefined, udp: undefined });
  expect(load(`${KAFKA}sinks: { acks: { ack_log: { path: k } } }\nstate: s\n`).sinks).toHaveLength(1);
  expect(problemsIn(`${KAFKA}state: s\n`)).toHaveLength(1);
});

test('the embedded broker is open to others only with TLS and client certificates', () => {
  for (const host of ['0.0.0.0', '192.168.1.5', '[::]', 'gateway.local']) {
    expect(problemsIn(withMqtt(`{ listen: '${host}:1883' }`)), host).toHaveLength(1);
    expect(problemsIn(withMqtt(`{ listen: '${host}:1883', cert: c, key: k }`)), host).toHaveLength(1);
  }
  expect(load(withMqtt('{ listen: 0.0.0.0:8883, ca: ca, cert: c, key: k }')).ingest.mqtt).toMatchObject({
    listen: { host: '0.0.0.0', port: 8883 },
    tls: { caFile: join(folder, 'ca'), certFile: join(folder, 'c'), keyFile: join(folder, 'k') },
  });
  for (const host of ['127.0.0.1', 'localhost', '[::1]']) {
    expect(problemsIn(withMqtt(`{ listen: '${host}:1883' }`)), host).toEqual([]);
  }
});

test('half of a certificate is told, and so are keys that go with the other way', () => {
  expect(problemsIn(withMqtt('{ listen: 127.0.0.1:1883, cert: c }'))).toEqual([
    '1:43 ingest.mqtt.cert: stands without `key`. Add `key`, or remove both.',
  ]);
  expect(problemsIn(withMqtt('{ listen: 127.0.0.1:1883, ca: c }'))).toEqual([
    '1:43 ingest.mqtt.ca: stands without `cert` and `key`. Add both, or remove it.',
  ]);
  expect(problemsIn(withMqtt('{ listen: 127.0.0.1:1883, password: p }'))[0]).toContain('goes with `url` only');
  expect(problemsIn(withMqtt('{ url: mqtt://b, ca: c }'))[0]).toContain('has no effect without TLS');
});

test('every sink but the ack_log decides when a record is acknowledged, whether `ack` names them or not', () => {
  const sinks = 'a: { files: { path: a } }, b: { files: { path: b } }, log: { ack_log: { path: c } }';
  const text = `ingest: { mqtt: { url: mqtt://b } }\nsinks: { ${sinks} }\nstate: s\n`;
  expect(load(text).ack).toEqual(['a', 'b']);
  expect(load(`${text}ack: [b, a]\n`).ack).toEqual(['b', 'a']);
  expect(problemsIn(`${text}ack: [b]\n`)).toEqual([
    '4:6 ack: leaves out `a`. Without Kafka every sink decides: name them all, or leave `ack` out.',
  ]);
  expect(load(text).sinks.at(-1)).toEqual({ kind: 'ack_log', name: 'log', path: join(folder, 'c') });
  expect(problemsIn(`${text}ack: []\n`)).toEqual(['4:6 ack: is empty.']);
});

test('nothing may be acknowledged that nothing stores', () => {
  const text = 'ingest: { mqtt: { url: mqtt://b } }\nsinks: { log: { ack_log: { path: c } } }\nstate: s\n';
  expect(problemsIn(text)).toEqual([
    '2:1 sinks: none but `ack_log`: nothing would store the records. Add one with `files`.',
  ]);
  expect(problemsIn(text.replace('{ log: { ack_log: { path: c } } }', '{}'))).toHaveLength(1);
});

test('two sinks never write to one place, however it is spelled', () => {
  const sinks = `a: { files: { path: r } }, b: { files: { path: ./x/../r } }`;
  expect(problemsIn(`ingest: { mqtt: { url: mqtt://b } }\nsinks: { ${sinks} }\nstate: s\n`)).toEqual([
    '2:57 sinks.b.files.path: is where the sink in line 2 writes. Choose another.',
  ]);
});

test('nothing writes where something else does, through a link, as the dead letter, or in the folder of a state', () => {
  const problems = (sinks: string, state = 's'): string[] =>
    problemsIn(`ingest: { mqtt: { url: mqtt://b } }\nsinks: { ${sinks} }\nstate: ${state}\n`);
  mkdirSync(join(folder, 'real'));
  symlinkSync(join(folder, 'real'), join(folder, 'link'));
  for (const below of ['', '/not/there/yet']) {
    expect(problems(`a: { files: { path: real${below} } }, b: { files: { path: link${below} } }`)).toEqual([
      expect.stringContaining('sinks.b.files.path: is where the sink in line 2 writes. Choose another.'),
    ]);
  }
  expect(problems('a: { files: { path: s/deadletter } }')).toEqual([
    '3:8 state: its `deadletter` is where the sink in line 2 writes. Choose another.',
  ]);
  expect(problems('a: { files: { path: r } }, k: { ack_log: { path: r/.mooring/state.json } }')).toEqual([
    '2:59 sinks.k.ack_log.path: is in the folder of the lock and state of line 2. Choose another.',
  ]);
  expect(problems('a: { files: { path: acks.txt.mooring/cut } }, k: { ack_log: { path: acks.txt } }')).toHaveLength(1);
  expect(problems('a: { files: { path: r } }', 'r/.mooring')).toHaveLength(1);
  expect(problems('k: { ack_log: { path: s/kafka.json } }, a: { files: { path: r } }')).toEqual([]);
  for (const name of ['kafka.json', 'kafka.json.new', 'kafka.lock']) {
    expect(problemsIn(`${UDP}${KAFKA}sinks: { k: { ack_log: { path: s/${name} } } }\nstate: s\n`), name).toHaveLength(
      1,
    );
  }
  // Beside one another, or in one another, they do no harm.
  expect(problems('a: { files: { path: .mooring/r } }', '.mooring')).toEqual([]);
  expect(problems('a: { files: { path: s } }, k: { ack_log: { path: s/acks.txt } }')).toEqual([]);
});

test('what is done once a day has a time, and a time without it is refused', () => {
  const withDaily = (files: string): string =>
    `ingest: { mqtt: { listen: 127.0.0.1:1883 } }\nsinks: { archive: { files: { path: r${files} } } }\nstate: s\ndaily_at: 02:05\n`;
  expect(load(withDaily(', manifests: true'))).toMatchObject({
    dailyAtMinutes: 125,
    sinks: [{ kind: 'files', manifests: true }],
  });
  expect(problemsIn(withDaily(''))).toEqual([
    '4:1 daily_at: has no effect: nothing is done once a day. Remove it, or add `retention` to an `elasticsearch` sink, or `manifests: true` to a `files` sink.',
  ]);
  expect(problemsIn(withDaily(', manifests: true').replace('02:05', '24:00'))).toEqual([
    '4:11 daily_at: is not a time of day. Write hours and minutes, UTC: 03:10.',
  ]);
});

test('an address that two parts would listen on is refused, with both places', () => {
  const text = (metrics: string, live: string, mqtt = '127.0.0.1:1883'): string =>
    `ingest: { mqtt: { listen: '${mqtt}' }, udp: { listen: 127.0.0.1:9464, keys: k } }
sinks: { archive: { files: { path: r } } }
state: s
metrics: { listen: '${metrics}', token: t }
live: { listen: '${live}', token: t }
`;
  expect(problemsIn(text('127.0.0.1:9464', '127.0.0.1:8081'))).toEqual([]);
  expect(problemsIn(text('127.0.0.1:0', '127.0.0.1:0'))).toEqual([]);
  expect(problemsIn(text('127.0.0.2:8081', '127.0.0.1:8081'))).toEqual([]);
  expect(problemsIn(text('127.0.0.1:8081', '127.0.0.1:8081'))).toEqual([
    '5:17 live.listen: is where `metrics.listen` in line 4 listens. Give each an address of its own.',
  ]);
  expect(problemsIn(text('0.0.0.0:1883', '[::]:9464'))).toEqual([
    '4:20 metrics.listen: is where `ingest.mqtt.listen` in line 1 listens. Give each an address of its own.',
  ]);
  expect(problemsIn(text('localhost:8081', '127.0.0.1:8081'))).toHaveLength(1);
});

test('a secret that others may read is refused, wherever it stands, with its file and mode', () => {
  const secret = join(folder, 'secret');
  const text = `ingest:
  mqtt: { url: mqtts://b:8883, cert: c.pem, key: secret, user: u, password: secret }
  http: { listen: 127.0.0.1:8080 }
sources: { rooms: { format: lorawan, http: { path: /stream, token: secret } } }
kafka: { brokers: ['127.0.0.1:9092'] }
state: s
metrics: { listen: 127.0.0.1:9464, token: secret }
live: { listen: 127.0.0.1:8081, token: secret }
`;
  writeFileSync(secret, 'x\n');
  chmodSync(secret, 0o644);
  expect(problemsIn(text).map((problem) => problem.replace(/^\d+:\d+ /, ''))).toEqual(
    ['ingest.mqtt.key', 'ingest.mqtt.password', 'sources.rooms.http.token', 'metrics.token', 'live.token'].map(
      (key) =>
        `${key}: is the file ${secret} of mode 0644: others may use the secret. \`chmod 600 ${secret}\`, or 640 for a group.`,
    ),
  );
  chmodSync(secret, 0o640);
  expect(problemsIn(text)).toEqual([]);
  rmSync(secret);
  expect(problemsIn(text)).toEqual([]);
});

test('a key that seals is its owner’s alone, and one that listens over TCP for a source listens where nobody else does', () => {
  const key = join(folder, 'seal.key');
  writeFileSync(key, 'x\n');
  chmodSync(key, 0o640);
  const text = `sources: { meteo: { format: buoy-json, tcp: { listen: 127.0.0.1:8081 }, seal: { key: seal.key } } }
kafka: { brokers: ['127.0.0.1:9092'] }
state: s
live: { listen: 127.0.0.1:8081 }
`;
  expect(problemsIn(text)).toEqual([
    expect.stringMatching(/^1:\d+ sources\.meteo\.seal\.key: is the file \S+ of mode 0640: .* `chmod 600 \S+`\.$/),
    '4:17 live.listen: is where `sources.meteo.tcp.listen` in line 1 listens. Give each an address of its own.',
  ]);
  rmSync(key);
});
