import { expect, test } from 'vitest';
import { runCommandLine, type Verbs } from './program.ts';

/** Runs a command line whose verbs only note how they were called, and end with 7. */
async function run(...args: string[]): Promise<{ status: number; called: unknown[]; out: string; err: string }> {
  const called: unknown[] = [];
  const printed = { out: '', err: '' };
  const verbs = new Proxy({} as Verbs, {
    get:
      (_, verb) =>
      async (...given: unknown[]) => {
        called.push(verb, ...given);
        return await Promise.resolve(7);
      },
  });
  const status = await runCommandLine(args, verbs, {
    out: { write: (text) => (printed.out += text) },
    err: { write: (text) => (printed.err += text) },
  });
  return { status, called, ...printed };
}

test.each<[string, unknown[]]>([
  ['run -c a.yaml', ['run', { config: 'a.yaml', simulate: false }]],
  ['run -c a.yaml --simulate', ['run', { config: 'a.yaml', simulate: true }]],
  ['run -c a.yaml --seed 7 --truth t', ['run', { config: 'a.yaml', simulate: true, seed: 7, truth: 't' }]],
  ['sensors -c a.yaml', ['sensors', { config: 'a.yaml', simulate: false, json: false }]],
  ['sensors -c a.yaml --simulate --json', ['sensors', { config: 'a.yaml', simulate: true, json: true }]],
  ['central --config a.yaml', ['central', { config: 'a.yaml', resume: [] }]],
  ['central -c a.yaml --resume a --resume b', ['central', { config: 'a.yaml', resume: ['a', 'b'] }]],
  ['central try m.yaml f', ['centralTry', 'm.yaml', 'f', { json: false }]],
  [
    'central try m.yaml f --topic a/b --zone Europe/Athens --json',
    ['centralTry', 'm.yaml', 'f', { topic: 'a/b', zone: 'Europe/Athens', json: true }],
  ],
  [
    'central enroll plaka --host c.example --also mosquitto --days 30',
    [
      'centralEnroll',
      'plaka',
      {
        folder: 'authority',
        host: 'c.example',
        also: ['mosquitto'],
        mqttPort: 8883,
        udpPort: 20_100,
        days: 30,
        renew: false,
      },
    ],
  ],
  ['central revoke plaka --folder a --mosquitto-pid p', ['centralRevoke', 'plaka', { folder: 'a', mosquittoPid: 'p' }]],
  [
    'central deadletter list -c a.yaml --source m --code too_large --since 7d --all --json',
    [
      'letterList',
      'a.yaml',
      { source: 'm', code: 'too_large', since: { agoMs: 604_800_000 }, limit: 100, all: true, json: true },
    ],
  ],
  ['central deadletter show 2-17 -c a.yaml', ['letterShow', 'a.yaml', '2-17', { json: false }]],
  [
    'central deadletter replay 2-17 0-1 -c a.yaml',
    ['letterReplay', 'a.yaml', { ids: ['2-17', '0-1'], limit: 1000, json: false }],
  ],
  [
    'central deadletter replay --sink s --since 2026-01-31T09:00:00Z --limit 5 -c a.yaml',
    ['letterReplay', 'a.yaml', { ids: [], sink: 's', since: { atMs: 1_769_850_000_000 }, limit: 5, json: false }],
  ],
  [
    'central import b.yaml -c a.yaml --until 20240121100604',
    ['centralImport', 'a.yaml', 'b.yaml', { from: undefined, until: '20240121100604', json: false }],
  ],
  ['central heard t r --json', ['centralHeard', 't', 'r', { json: true }]],
  ['demo', ['demo', { data: 'mooring-data', plain: false, forMs: undefined }]],
  ['demo --data d --for 30s --plain', ['demo', { data: 'd', plain: true, forMs: 30_000 }]],
  ['demo --kafka b:9092', ['demo', { data: 'mooring-data', plain: false, forMs: undefined, kafka: 'b:9092' }]],
  ['check a.yaml', ['check', 'a.yaml', { json: false }]],
  ['check a.yaml --json', ['check', 'a.yaml', { json: true }]],
  ['schema', ['schema', 'gateway']],
  ['schema central', ['schema', 'central']],
  ['audit r', ['audit', 'r', { json: false }]],
  ['audit r --store s --forwarder f --json', ['audit', 'r', { store: 's', forwarder: 'f', json: true }]],
  ['read -c a.yaml', ['read', undefined, { config: 'a.yaml', simulate: false, json: false }]],
  ['read buoy-7 -c a.yaml --json', ['read', 'buoy-7', { config: 'a.yaml', simulate: false, json: true }]],
  ['alarms -c a.yaml', ['alarms', { config: 'a.yaml', json: false }]],
  ['alarms ack hot -c a.yaml --json', ['alarms', { action: 'ack', name: 'hot', config: 'a.yaml', json: true }]],
  [
    'alarms silence hot --station b --for 5m -c a.yaml',
    ['alarms', { action: 'silence', name: 'hot', station: 'b', forMs: 300_000, config: 'a.yaml', json: false }],
  ],
])('`mooring %s` calls its verb and ends with its status', async (line, expected) => {
  expect(await run(...line.split(' '))).toEqual({ status: 7, called: expected, out: '', err: '' });
});

test.each([
  [[], /^Usage: mooring/],
  [['chek'], /^mooring: unknown command 'chek'\n\(Did you mean check\?\)\n/],
  [['status'], /^mooring: unknown command 'status'/],
  [['run'], /^mooring: required option '-c, --config <file>' not specified\n/],
  [['central'], /^mooring: required option '-c, --config <file>' not specified\n/],
  [['central', 'deadletter', 'list'], /^mooring: required option '-c, --config <file>' not specified\n/],
  [['central', 'deadletter', 'replay', '-c', 'a'], /^mooring: name letters, or a --source/],
  [['central', 'deadletter', 'replay', '1-1', '--sink', 's', '-c', 'a'], /not both/],
  [['central', 'deadletter', 'list', '--since', 'soon', '-c', 'a'], /Write a duration/],
  [['central', 'try', 'm.yaml'], /^mooring: missing required argument 'file'\n/],
  [['check', 'a', 'b'], /^mooring: too many arguments/],
  [['demo', '--for', '5'], /is invalid\. Write a number and its unit: 30s, 5m or 1h\.\n/],
  [['demo', '--kafka', 'b'], /is invalid\. Write host and port: 127\.0\.0\.1:9092\.\n/],
  [['alarms', 'ack', '-c', 'a'], /^mooring: name the alarm\n/],
  [['alarms', 'ack', 'hot', '--for', '5m', '-c', 'a'], /^mooring: option '--for' is for silence\n/],
  [['alarms', 'mute', 'hot', '-c', 'a'], /Allowed choices are ack, silence\./],
  [['schema', 'moon'], /Allowed choices are gateway, central\./],
])('`mooring %j` means nothing: status 2, and why', async (args, why) => {
  const { status, called, out, err } = await run(...args);
  expect({ status, called, out }).toEqual({ status: 2, called: [], out: '' });
  expect(err).toMatch(why);
});

test('--version prints the version alone', async () => {
  const { status, out } = await run('--version');
  expect(status).toBe(0);
  expect(out).toMatch(/^\d+\.\d+\.\d+\n$/);
});

test.each(['run', 'central', 'central try', 'demo', 'check', 'schema', 'audit', 'read', 'alarms'])(
  'the help of %s has an example of it',
  async (verb) => {
    const { status, out } = await run(...verb.split(' '), '--help');
    expect(status).toBe(0);
    expect(out).toMatch(new RegExp(`Examples:\\n +mooring (check mooring.yaml && mooring )?${verb}`));
  },
);

test('a second gateway on a store has a status of its own; a second centre stands by, and its help says so', async () => {
  expect((await run('run', '--help')).out).toContain('  3  store in use\n');
  const { out } = await run('central', '--help');
  expect(out).toContain('a second one stands by until they are free');
  expect(out).not.toContain('  3  ');
});

test('central talk reads its numbers, shares, times and addresses, and refuses what is none', async () => {
  const { called } = await run(
    ...'central talk senml --to mqtt://b:1883 --rate 250 --for 30s --loss 0.5 --start 2024-01-21T10:00:00Z'.split(' '),
  );
  expect(called).toEqual([
    'centralTalk',
    'senml',
    expect.objectContaining({
      to: new URL('mqtt://b:1883'),
      rate: 250,
      forMs: 30_000,
      loss: 0.5,
      startMs: Date.UTC(2024, 0, 21, 10),
      seed: 1,
      speed: 1,
      json: false,
    }),
  ]);
  const to = '--to udp://b:1';
  for (const wrong of ['', '--to b', `${to} --rate 0`, `${to} --loss 2`, `${to} --start now`, `${to} --count 1.5`]) {
    expect(await run(...`central talk senml ${wrong}`.trim().split(' '))).toMatchObject({ status: 2, called: [] });
  }
  expect(await run('central', 'talk', 'none', '--to', 'udp://b:1')).toMatchObject({ status: 2, called: [] });
});
