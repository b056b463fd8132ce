import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { MooringError } from '../runtime/errors.ts';
import { SteppedClock } from '../sim/clock.ts';
import { runCentralTry, type TryOptions, type TryReport } from './central-try.ts';

const folder = mkdtempSync(join(tmpdir(), 'mooring-try-'));
afterAll(() => rmSync(folder, { recursive: true }));

function fileOf(name: string, text: string | Uint8Array): string {
  const file = join(folder, name);
  writeFileSync(file, text);
  return file;
}

function run(
  mapping: string,
  messages: string | Uint8Array,
  options: Partial<TryOptions> = {},
): { status: number; out: string } {
  let out = '';
  const stream = { write: (text: string) => (out += text) };
  const host = { clock: new SteppedClock(), streams: { out: stream, err: stream } };
  const status = runCentralTry(
    fileOf('m.yaml', mapping),
    fileOf('messages', messages),
    { json: false, ...options },
    host,
  );
  return { status, out };
}

function reportOf(mapping: string, messages: string, options: Partial<TryOptions> = {}): TryReport {
  return JSON.parse(run(mapping, messages, { ...options, json: true }).out) as TryReport;
}

const LINES =
  'message: delimited\nseparator: ";"\ncolumns: [id, t, x]\nsource_id: id\nmetrics: { temperature: t, x_x: { field: x, unit: l } }\n';
const JSON_MAPPING = 'message: json\nsource_id: id\nmetrics: { temperature: t }\n';

test('a row a record, a line a refusal, and a verdict; 1 where something was refused', () => {
  expect(run(LINES, 'TH 1;0;2.5\n\nTH2;warm;\nTH3\n')).toEqual({
    status: 1,
    out: [
      'message  station  time           values',
      '1        th-1     when it comes  temperature 0 °C, x_x 2.5 l',
      '',
      'refused: message 2 (line 3): t is no number: TH2;warm;',
      'refused: message 3 (line 4): the message has 1 of 3 fields: TH3',
      '',
      '3 messages: 1 record, 2 refused',
      '',
    ].join('\n'),
  });
});

test('0 where everything was taken, with what else a record says, and what has no value', () => {
  const mapping = `${JSON_MAPPING}time: { field: at, form: local }\ninfo: { fw: fw }\nlocation: { lat: 1, lon: -2 }\n`;
  expect(
    run(mapping, '{"id":7,"t":null,"at":"2026-07-01 12:00","fw":"a\\u001b[31m"}', { zone: 'Europe/Athens' }),
  ).toEqual({
    status: 0,
    out: [
      'message  station  time                      values',
      '1        7        2026-07-01T09:00:00.000Z  temperature –, 1.00000° N 2.00000° W (source_time 2026-07-01 12:00, fw a [31m)',
      '',
      '1 message: 1 record, 0 refused',
      '',
    ].join('\n'),
  });
});

test('--json is one object with the records as they would be', () => {
  const report = reportOf(JSON_MAPPING, '{"id":"A","t":0}\n{"id":"B","t":"x"}\n');
  expect(report).toMatchObject({ ok: false, messages: 2 });
  expect(report.records).toEqual([
    { message: 1, line: 1, record: expect.objectContaining({ gateway: 'try', station: 'a', temperature: 0 }) },
  ]);
  expect(report.refused).toEqual([{ message: 2, line: 2, text: '{"id":"B","t":"x"}', reason: 't is no number' }]);
});

test.each<[string, string, string, number, number]>([
  ['a document over several lines is one message', JSON_MAPPING, '{\n"id": 1,\n"t": 1\n}\n', 1, 1],
  ['a list is as many messages as it has entries', JSON_MAPPING, '[{"id":1,"t":1},{"id":2,"t":1}]', 2, 2],
  [
    'a list that the mapping takes itself is one message',
    `${JSON_MAPPING}each: $\n`,
    '[{"id":1,"t":1},{"id":2,"t":1}]',
    1,
    2,
  ],
  ['a broken document over several lines is one message', JSON_MAPPING, '{\n"id": 1,\n"t": 1', 1, 0],
  ['lines of which one is broken are messages', JSON_MAPPING, '{"id":1,"t":1}\n{"id":1,\n', 2, 1],
])('%s', (_, mapping, messages, count, records) => {
  const report = reportOf(mapping, messages);
  expect([report.messages, report.records.length]).toEqual([count, records]);
});

test('a topic that is given is the one that messages came on', () => {
  const mapping = JSON_MAPPING.replace('source_id: id', 'source_id: $topic.1');
  expect(reportOf(mapping, '{"t":1}', { topic: 'm/east' }).records[0]?.record.station).toBe('east');
});

test('what no record may hold is refused', () => {
  const { refused } = reportOf(JSON_MAPPING, '{"id":"—","t":1}');
  expect(refused[0]?.reason).toBe('the name of the device has no letter and no digit');
});

test('no message at all is 2', () => {
  expect(run(LINES, '\n')).toEqual({ status: 2, out: '0 messages: 0 records, 0 refused\n' });
});

test('a wrong mapping, a file that is not there and a zone that is none are told', () => {
  const failureOf = (action: () => unknown): string => {
    try {
      action();
    } catch (error) {
      if (error instanceof MooringError) return `${error.code}: ${error.message}`;
      throw error;
    }
    return '';
  };
  const host = { clock: new SteppedClock(), streams: { out: { write: () => true }, err: { write: () => true } } };
  const right = fileOf('right.yaml', JSON_MAPPING);
  expect(failureOf(() => run('message: json\n', '{}'))).toBe('CONFIG_INVALID: the configuration has one error');
  expect(failureOf(() => run(JSON_MAPPING, '{}', { zone: 'Athens' }))).toBe(
    'CONFIG_INVALID: --zone names no time zone',
  );
  expect(failureOf(() => runCentralTry(right, join(folder, 'absent'), { json: false }, host))).toBe(
    'CONFIG_UNREADABLE: the messages cannot be read',
  );
  expect(failureOf(() => runCentralTry(right, folder, { json: false }, host))).toBe(
    'CONFIG_UNREADABLE: the messages are no file of at most 64 MiB',
  );
});
