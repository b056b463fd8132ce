import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runCheck } from './check.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'mooring-check-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const check = (text: string, json = false): { status: number; printed: string } => {
  const file = join(folder, 'x.yaml');
  writeFileSync(file, text);
  let printed = '';
  const status = runCheck(file, { json }, { write: (part: string) => (printed += part) });
  return { status, printed: printed.replaceAll(file, 'x.yaml') };
};

const GATEWAY =
  'gateway: plaka\nstations: [{ name: a, sensors: [{ driver: sim, profile: city, seed: 7 }] }]\nstore: { path: s }\n';
const CENTRE = 'ingest: { mqtt: { listen: 127.0.0.1:1883 } }\nsinks: { a: { files: { path: r } } }\nstate: s\n';

test('a right configuration of either kind gets one line that says what it is', () => {
  expect(check(GATEWAY)).toEqual({
    status: 0,
    printed: 'x.yaml: ok (gateway plaka: 1 station, 1 sensor, 0 forwarders)\n',
  });
  expect(check(CENTRE)).toEqual({ status: 0, printed: 'x.yaml: ok (centre: over mqtt to 1 sink)\n' });
});

test('a broken one gets every error, one a line, and status 2', () => {
  expect(check(`${GATEWAY}local: {}\nlog_level: loud\n`)).toEqual({
    status: 2,
    printed:
      'x.yaml:4:1 local: not in this version.\n' +
      'x.yaml:5:12 log_level: is none of `fatal`, `error`, `warn`, `info`, `debug`, `silent`.\n',
  });
});

test('a file that is of neither kind, or of both, is told so', () => {
  expect(check('gatewy: plaka\n')).toEqual({
    status: 2,
    printed:
      "x.yaml:1:1 (file): is neither a gateway's nor a centre's configuration. Did you mean `gateway`? " +
      'A gateway has `gateway` and `stations`, a centre `ingest` and `sinks`.\n',
  });
  expect(check(GATEWAY + CENTRE).printed).toBe(
    "x.yaml:1:1 (file): is a gateway's and a centre's configuration at once. Make two files of it.\n",
  );
});

test('--json prints one object that always has the same keys', () => {
  expect(JSON.parse(check(GATEWAY, true).printed)).toEqual({
    ok: true,
    file: 'x.yaml',
    summary: {
      kind: 'gateway',
      name: 'plaka',
      stations: 1,
      sensors: 1,
      forwarders: 0,
      sinks: 0,
      ingest: [],
      kafka: false,
    },
    problems: [],
    notes: [],
  });
  const broken = check(`${GATEWAY}local: {}\n`, true);
  expect(broken.status).toBe(2);
  expect(JSON.parse(broken.printed)).toEqual({
    ok: false,
    file: 'x.yaml',
    summary: null,
    problems: [{ file: 'x.yaml', line: 4, column: 1, key: 'local', message: 'not in this version', hint: '' }],
    notes: [],
  });
});

test('the way of a record through a centre is told, Kafka and all', () => {
  const ingest = 'ingest: { mqtt: { listen: 127.0.0.1:1883 }, udp: { listen: 127.0.0.1:20100, keys: . } }\n';
  const kafka = 'kafka: { brokers: [127.0.0.1:9092] }\n';
  const sinks = 'sinks: { a: { files: { path: r } }, k: { ack_log: { path: k } } }\n';
  const told = (text: string): string => check(`${text}state: s\n`).printed;
  expect(told(ingest + kafka + sinks)).toBe('x.yaml: ok (centre: over mqtt and udp through kafka to 2 sinks)\n');
  expect(told(ingest + kafka)).toBe('x.yaml: ok (centre: over mqtt and udp to kafka)\n');
  expect(told(kafka + sinks)).toBe('x.yaml: ok (centre: from kafka to 2 sinks)\n');
  expect(JSON.parse(check(`${ingest}${kafka}state: s\n`, true).printed)).toMatchObject({
    summary: { kind: 'central', ingest: ['mqtt', 'udp'], kafka: true, sinks: 0 },
  });
  // A sink that decides may run in another copy; a name that is mistaken would look the same.
  expect(told(`${ingest}${kafka}${sinks}ack: [a, b]\n`)).toContain(
    'note: x.yaml:4:10 ack[1]: names a sink that is not in this file. ' +
      'Nothing is acknowledged for good until another copy of the centre runs it.\n',
  );
  expect(told(`${ingest}${kafka}${sinks}ack: [kafka]\n`)).not.toContain('note:');
});

test('what is named and not on this machine gets a note, and stays right', () => {
  const gateway = `gateway: plaka
stations: [{ name: a, sensors: [{ driver: nmea0183, port: /dev/absent }] }]
store: { path: absent/store.db }
forward: { c: { mqtt: { url: mqtts://centre.example, ca: x.yaml, user: a, password: absent.password } } }
`;
  const { status, printed } = check(gateway);
  expect(status).toBe(0);
  expect(printed.replaceAll(`${folder}/`, '')).toBe(
    'x.yaml: ok (gateway plaka: 1 station, 1 sensor, 1 forwarder)\n' +
      'note: x.yaml:2:59 stations[0].sensors[0].port: the port /dev/absent does not exist here. ' +
      '`ls -l /dev/serial/by-id/` names those that are plugged in.\n' +
      'note: x.yaml:3:16 store.path: the folder absent does not exist here. It is made at the start, where that is allowed.\n' +
      'note: x.yaml:4:85 forward.c.mqtt.password: the file absent.password does not exist here.\n',
  );
  const udp = check(gateway.replace(/forward.*/, 'forward: { c: { udp: { host: centre, port: 20100, key: k.key } } }'));
  expect(udp.printed.replaceAll(`${folder}/`, '')).toContain(
    'note: x.yaml:4:56 forward.c.udp.key: the file k.key does not exist here. ' +
      '`openssl rand -hex 32` makes one; give the centre the same as `<gateway>.key`.\n',
  );
  const central = check(`${CENTRE.replace('path: r', 'path: absent/r')}`, true);
  expect(central.status).toBe(0);
  expect(JSON.parse(central.printed)).toMatchObject({
    ok: true,
    problems: [],
    notes: [{ line: 2, key: 'sinks.a.files.path' }],
  });
});

test('a line in small letters gets a note: what was meant has capitals', () => {
  const { status, printed } = check(`gateway: plaka
stations: [{ name: a, sensors: [{ driver: pulse-counter, gpio: gpio5, per_pulse: 0.2 }] }]
actuators: { red: { gpio: Gpio17, limit: 1m }, green: { gpio: GPIO27 }, blue: { gpio: pinctrl-bcm2711/22 } }
store: { path: store.db }
`);
  expect(status).toBe(0);
  expect(printed.split('\n').slice(1)).toEqual([
    'note: x.yaml:2:64 stations[0].sensors[0].gpio: is no line that a Raspberry Pi has. Did you mean `GPIO5`? Capitals matter.',
    'note: x.yaml:3:27 actuators.red.gpio: is no line that a Raspberry Pi has. Did you mean `GPIO17`? Capitals matter.',
    '',
  ]);
});

test('a file that cannot be read is an error of the configuration, without a place', () => {
  const file = join(folder, 'absent.yaml');
  let printed = '';
  expect(runCheck(file, { json: false }, { write: (part) => (printed += part) })).toBe(2);
  expect(printed).toBe(
    `${file}: the configuration cannot be read (ENOENT). Give the path of a YAML file that this user may read.\n`,
  );
});
