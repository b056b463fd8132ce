import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { describeFormat, fixturesIn, messageOf } from '../../../test/conformance/format.ts';
import { TimeZone } from '../time-zone.ts';
import { FlatJsonFormat } from './flat-json.ts';
import { pythonReprOf } from './python-repr.ts';

const folder = join(import.meta.dirname, 'fixtures');
const zone = new TimeZone('Europe/Paris');
const message = (changed: object) => messageOf(JSON.stringify({ station_id: 'n', temperature: 20.5, ...changed }));

const common = {
  malformed: [
    { what: 'a list', message: messageOf('[1]'), reason: /^the message is no object$/ },
    { what: 'half a message', message: messageOf('{"station_id":"n","temp'), reason: /position \d+/ },
    { what: 'what is no UTF-8', message: messageOf(Uint8Array.of(0x7b, 0xff)), reason: /^the message is no UTF-8/ },
    { what: 'one that names no device', message: message({ station_id: null }), reason: /^station_id is missing/ },
    {
      what: 'a device that is no name',
      message: message({ station_id: null, sensor_id: 1.5 }),
      reason: /^sensor_id is no name/,
    },
    {
      what: 'a time that there is not',
      message: message({ timestamp: '2024-02-30 00:00' }),
      reason: /^timestamp is a time that/,
    },
    { what: 'one that says no value', message: messageOf('{"station_id":"n"}'), reason: /^the message says no value$/ },
    {
      what: 'one with only a value that is none',
      message: message({ temperature: 'warm' }),
      reason: /^temperature is no number$/,
    },
    { what: 'a deep one', message: messageOf('['.repeat(20_000)), reason: /more than 16|position/ },
  ],
  damaged: [
    { what: 'a number in quotes', message: message({ humidity: '55' }), reason: /^humidity is no number$/ },
    {
      what: 'a number without bounds',
      message: messageOf('{"station_id":"n","rainfall":0,"a":1e999}'),
      reason: /^a is a number/,
    },
    { what: 'an object', message: message({ place: { lat: 1 } }), reason: /^place is an object/ },
    { what: 'a long text', message: message({ note: 'x'.repeat(129) }), reason: /^note is a text of more than 128/ },
  ],
  zero: {
    message: message({ rainfall: 0, temperature: -0, door: false }),
    metrics: { rainfall: 0, temperature: 0, x_door: false },
  },
  twins: {
    message: message({ rainfall: 0 }),
    copy: messageOf('{ "rainfall": 0.0, "temperature": 20.50, "station_id": "n" }'),
    other: message({ rainfall: 0.1 }),
  },
};

describeFormat('flat-json', {
  ...common,
  fixtures: fixturesIn(folder),
  malformed: [
    ...common.malformed,
    { what: "Python's dictionaries", message: messageOf("{'station_id': 'n'}"), reason: /^the message is no JSON/ },
    { what: 'NaN', message: messageOf('{"station_id":"n","rainfall":NaN}'), reason: /^the message is no JSON/ },
  ],
  make: () => new FlatJsonFormat({ zone }),
});
describeFormat('flat-json, lenient', {
  ...common,
  fixtures: [...fixturesIn(join(folder, 'python-repr')), ...fixturesIn(folder)],
  make: () => new FlatJsonFormat({ zone, lenient: 'python-repr' }),
});

test('a message as JSON and as Python says it is one reading', () => {
  const [json, python] = [folder, join(folder, 'python-repr')].map((path) =>
    fixturesIn(path).find(({ name }) => name === 'city'),
  );
  const format = new FlatJsonFormat({ lenient: 'python-repr' });
  if (json === undefined || python === undefined) throw new Error('a fixture is gone');
  expect(format.parse(json.message)).toEqual(format.parse(python.message));
});

test('a time without zone is refused where the source has none', () => {
  expect(() => new FlatJsonFormat().parse(message({ timestamp: '2024-01-01 00:00' }))).toThrow(
    /^timestamp says no zone/,
  );
});

test('names of the configuration count before its own', () => {
  const { readings } = new FlatJsonFormat({ metrics: { temp_c: 'temperature' } }).parse(
    messageOf('{"station_id":1,"temp_c":4}'),
  );
  expect(readings).toMatchObject([{ sourceId: '1', metrics: { temperature: 4 } }]);
});

describe("Python's repr", () => {
  test.each([
    ["{'a': 1, 'b': -2.5e-07, 'c': +3.}", { a: 1, b: -2.5e-7, c: 3 }],
    ["{'a': True, 'b': False, 'c': None}", { a: true, b: false, c: null }],
    [
      "{'a': np.float32(1.5), 'b': numpy.int64(-2), 'c': np.bool_(True), 'd': np.str_('x')}",
      { a: 1.5, b: -2, c: true, d: 'x' },
    ],
    ["{'a': (1, 2,), 'b': [], 'c': {}, 'd': ()}", { a: [1, 2], b: [], c: {}, d: [] }],
    [`{'it\\'s': "a \\"b\\" \\x41\\u00e9\\U0001f30a\\n"}`, { "it's": 'a "b" Aé🌊\n' }],
    ['{"json": true, "n": null}', { json: true, n: null }],
    ['{1: 2}', { 1: 2 }],
    ['-inf', Number.NEGATIVE_INFINITY],
    ['nan', Number.NaN],
    ['-0.0', 0],
  ])('%s is read', (text, value) => {
    expect(pythonReprOf(text)).toEqual(value);
  });

  test('a key is a property of its own, whatever its name', () => {
    const value = pythonReprOf("{'__proto__': {'polluted': 1}}");
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
    expect(Object.keys(value as object)).toEqual(['__proto__']);
  });

  test.each([
    ["{'a': 1", /has no , at position 7/],
    ["{'a' 1}", /has no : at position 5/],
    ["{'a': 1} x", /no longer Python at position 9/],
    ["{'a': __import__('os')}", /no Python at position 6/],
    ["{'a': np.load('x')}", /no Python at position 6/],
    ["{'a': np.float64([1])}", /no Python at position 6/],
    ["{'a': -True}", /no Python at position 6/],
    ["{'a': 1j}", /has no , at position 7/],
    ["{'a': 'b}", /text without an end at position 9/],
    ["{'a': '\\xZZ'}", /an escape that there is not/],
    ["{'a': '\\U00110000'}", /an escape that there is not/],
    ["{'a': '\\q'}", /an escape that there is not|no Python/],
    ['{None: 1}', /a key that is no text/],
    ['', /no Python at position 0/],
    [`${'['.repeat(100_000)}`, /more than 16 objects and lists/],
    [`${'np.float64('.repeat(100_000)}`, /more than 16 objects and lists/],
  ])('%s is refused', (text, reason) => {
    expect(() => pythonReprOf(text)).toThrow(reason);
  });
});
