import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { formatProblem, problemsOf } from '../../../runtime/config/problem.ts';
import { TimeZone } from '../time-zone.ts';
import { columnPathOf, fieldPathOf } from './field-path.ts';
import { loadMapping } from './mapping-file.ts';
import { timePatternOf } from './time-rule.ts';

const folder = mkdtempSync(join(tmpdir(), 'mooring-mapping-file-'));
afterAll(() => rmSync(folder, { recursive: true }));
const EXAMPLES = join(import.meta.dirname, '../../../deploy/mappings');

/** Every problem of a mapping, without the name of its file. */
function problemsIn(yaml: string): string[] {
  const file = join(folder, 'm.yaml');
  writeFileSync(file, yaml);
  try {
    loadMapping(file);
    return [];
  } catch (error) {
    return problemsOf(error).map((problem) => formatProblem(problem).replace(`${file}:`, ''));
  }
}

const JSON_BEGIN = 'message: json\nsource_id: id\n';
const JSON_MAPPING = `${JSON_BEGIN}metrics: { temperature: t }\n`;
const LINES_BEGIN = 'message: delimited\nseparator: "|"\ncolumns: [id, t, "-", "-"]\nsource_id: id\n';

test.each(readdirSync(EXAMPLES).filter((name) => name.endsWith('.yaml')))(
  'deploy/mappings/%s is right, and says how it is tried',
  (name) => {
    const file = join(EXAMPLES, name);
    expect(loadMapping(file)).toBeDefined();
    const [, example] =
      /# Try it: mooring central try deploy\/mappings\/\S+ deploy\/mappings\/(\S+)/.exec(readFileSync(file, 'utf8')) ??
      [];
    expect(readdirSync(EXAMPLES)).toContain(example);
  },
);

test('the least that a mapping may say is right', () => {
  expect(problemsIn(JSON_MAPPING)).toEqual([]);
  expect(problemsIn(`${LINES_BEGIN}metrics: { temperature: t }\n`)).toEqual([]);
});

test.each<[string, readonly string[]]>([
  [
    JSON_MAPPING.replace('temperature', 'temperatur'),
    [
      '3:12 metrics.temperatur: `temperatur` is no metric. Did you mean `temperature`? Write a metric of the registry, or `x_NAME` for what it does not have.',
    ],
  ],
  [
    JSON_MAPPING.replace(' t ', ' a..b '),
    ['3:25 metrics.temperature: is not a path. Write keys with dots, `device.id`, indices of lists, `values.0`.'],
  ],
  [
    JSON_MAPPING.replace(' t ', ' { field: t, unit: hPa } '),
    [
      '3:43 metrics.temperature.unit: does not convert to `temperature`, which is in °C. Choose another unit, or an `x_…`.',
    ],
  ],
  [
    `${JSON_BEGIN}metrics: { presence: { field: p, unit: "%" } }\n`,
    ['3:34 metrics.presence.unit: `presence` has no unit. Remove it.'],
  ],
  [
    `${JSON_BEGIN}metrics: { presence: { field: p, words: { a: 1 }, scale: 2 } }\n`,
    [
      '3:46 metrics.presence.words.a: is no boolean, which `presence` is.',
      '3:51 metrics.presence.scale: is for numbers. Remove it.',
    ],
  ],
  [
    `${JSON_BEGIN}metrics: { temperature: { field: p, type: text } }\n`,
    ['3:43 metrics.temperature.type: `temperature` is a number. Remove it, or choose another metric.'],
  ],
  [
    `${JSON_BEGIN}metrics: { temperature: {} }\n`,
    ['3:25 metrics.temperature: says neither `field` nor `constant`, or both. Write one of them.'],
  ],
  [
    JSON_BEGIN,
    [
      '1:1 metrics: nothing says where values are. Write `metrics: { temperature: PATH }`, or `named` for values that come with their names.',
    ],
  ],
  [
    `${JSON_MAPPING}separator: ","\ntime: { field: t, form: local }\n`,
    [
      '4:1 separator: does not go with `message: json`. Remove it.',
      '5:25 time.form: `local` says no zone, and nor does the source. Add `zone: Europe/Athens`, as it is there.',
    ],
  ],
  [
    `${JSON_MAPPING}time: { field: t, form: local, zone: Europe/Athen }\n`,
    ['4:38 time.zone: is not a time zone. Did you mean `Europe/Athens`?'],
  ],
  [
    `${JSON_MAPPING}time: { field: [a, b], form: epoch_s }\n`,
    ['4:16 time.field: has several fields, and an epoch is one number. Name one.'],
  ],
  [
    `${JSON_MAPPING}time: { field: t, form: pattern, zone: UTC }\n`,
    [
      '4:1 time.pattern: missing. Write it with YYYY MM DD HH mm ss S, `hh` with `A`, and other letters in single quotes.',
    ],
  ],
  [
    `${JSON_MAPPING}time: { field: t, pattern: YYYY }\n`,
    ['4:19 time.pattern: goes with `form: pattern` only. Write that, or remove it.'],
  ],
  [
    `${JSON_MAPPING}time: { field: t, form: clock }\n`,
    ['4:25 time.form: is none of `auto`, `epoch_s`, `epoch_ms`, `iso`, `local`, `digits`, `pattern`.'],
  ],
  [
    `${JSON_MAPPING}info: { source_id: a }\n`,
    ['4:9 info.source_id: is a name that records use themselves. Choose another.'],
  ],
  [
    `${JSON_MAPPING}location: { lat: 91, lon: x }\n`,
    ['4:18 location.lat: is not from -90 to 90. Write degrees, or where they are.'],
  ],
  [
    `${JSON_MAPPING}named: { each: v, name: n, metrics: { temperature: humidity, b: hum } }\n`,
    [
      '4:1 named: says one of `name` and `value`. Write both, or neither for an object of values.',
      '4:39 named.metrics.temperature: stands twice, or in `metrics`, too. Remove one.',
      '4:65 named.metrics.b: `hum` is no metric. Write a metric of the registry, or `x_NAME` for what it does not have.',
    ],
  ],
  [
    'message: delimited\nsource_id: id\nmetrics: { temperature: t }\n',
    [
      '1:1 separator: missing. Lines need `separator: ";"` and `columns: [device, time, temperature]`.',
      '1:1 columns: missing. Lines need `separator: ";"` and `columns: [device, time, temperature]`.',
      '2:12 source_id: is not a column. Write `columns` first.',
      '3:25 metrics.temperature: is not a column. Write `columns` first.',
    ],
  ],
  [
    `${LINES_BEGIN.replace('id, t', 'id, id, tmp')}metrics: { temperature: temp, pressure: $.p }\neach: v\n`,
    [
      '3:15 columns[1]: stands twice. Name what is not used `-`.',
      '5:25 metrics.temperature: is not a column. Did you mean `tmp`?',
      '5:41 metrics.pressure: is not a column. The columns are id, id, tmp.',
      '6:1 each: does not go with `message: delimited`. Remove it.',
    ],
  ],
  [`${JSON_MAPPING}timee: {}\n`, ['4:1 timee: unknown key. Did you mean `time`?']],
])('%j is told with its place and what to do', (yaml, expected) => {
  expect(problemsIn(yaml)).toEqual(expected);
});

test('a wall clock may take the zone of the source', () => {
  const file = join(folder, 'zoneless.yaml');
  writeFileSync(file, `${JSON_MAPPING}time: { field: t, form: local }\n`);
  expect(loadMapping(file, { zone: new TimeZone('UTC') }).time?.rule.zone?.name).toBe('UTC');
});

test('a file that is not there says so', () => {
  expect(() => loadMapping(join(folder, 'absent.yaml'))).toThrow(/cannot be read/);
});

test.each([
  ['a', 'entry', ['a']],
  ['a.0.b c', 'entry', ['a', '0', 'b c']],
  ['"a.b"."\\"c"', 'entry', ['a.b', '"c']],
  ['$', 'message', []],
  ['$.a.b', 'message', ['a', 'b']],
  ['$topic.2', 'topic', ['2']],
])('%s is a path', (written, from, parts) => {
  expect(fieldPathOf(written)).toEqual({ from, parts, written });
});

test.each(['', '.', 'a.', '.a', 'a..b', '$a', '$.', '$topic', '$topic.x', '"a', 'a"b"', Array(17).fill('a').join('.')])(
  '%j is no path',
  (written) => {
    expect(fieldPathOf(written)).toBeUndefined();
  },
);

test('a column is called by its name, dots and all', () => {
  expect(columnPathOf('a.b')).toEqual({ from: 'entry', parts: ['a.b'], written: 'a.b' });
  expect(columnPathOf('$topic.0')?.from).toBe('topic');
});

test.each([
  ['YYYY-MM-DD', 'has no `H`'],
  ['YY-MM-DD HH:mm', 'has `YY`, which stands for nothing'],
  ['YYYY-MM-DD at HH:mm', 'has `a`, which stands for nothing'],
  ["YYYY-MM-DD 'at HH:mm", "has `'`, which stands for nothing"],
  ['YYYY-MM-DD hh:mm', 'has `h` without `A`, or `A` without `h`'],
  ['YYYY-MM-DD HH:hh:mm A', 'has `H` and `h`'],
  ['YYYY-MM-DD HH:mm:mm', 'has two of `m`'],
])('the pattern %s is refused: it %s', (pattern, problem) => {
  expect(timePatternOf(pattern)).toBe(problem);
});
