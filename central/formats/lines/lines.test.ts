import { join } from 'node:path';
import { expect, test } from 'vitest';
import { describeFormat, fixturesIn, messageOf } from '../../../test/conformance/format.ts';
import { TimeZone } from '../time-zone.ts';
import { LinesFormat } from './lines.ts';

const zone = new TimeZone('Europe/Athens');
const good = 'TH1 | 2020-01-01 00:15 | 9.4';
const message = (...lines: string[]) => messageOf(lines.join('\n'), 'temperature');

describeFormat('lines', {
  make: () => new LinesFormat({ zone, metrics: { Door: 'door_open' } }),
  fixtures: fixturesIn(join(import.meta.dirname, 'fixtures')),
  malformed: [
    { what: 'nothing', message: message(''), reason: /^the message says no value$/ },
    { what: 'another text', message: message('hello'), reason: /^line 1 has 1 fields/ },
    { what: 'what is no UTF-8', message: messageOf(Uint8Array.of(0xff)), reason: /^the message is no UTF-8/ },
    { what: 'lines of which none is one', message: message('a|b', 'c'), reason: /^line 1 has 2 fields.*, and 1 more$/ },
    {
      what: 'very many lines',
      message: messageOf('\n'.repeat(10_000)),
      reason: /^the message has more than 10000 lines$/,
    },
  ],
  damaged: [
    {
      what: 'a word for a value',
      message: message(good, 'TH2 | 2020-01-01 00:15 | warm'),
      reason: /^line 2 has a value that is no number$/,
    },
    {
      what: 'an empty value',
      message: message('TH2|1577830500|', good),
      reason: /^line 1 has a value that is no number$/,
    },
    {
      what: 'a value with a comma',
      message: message(good, '', 'TH2|1577830500|9,4'),
      reason: /^line 3 has a value that is no number$/,
    },
    { what: 'a hexadecimal value', message: message(good, 'TH2|1577830500|0x10'), reason: /^line 2 has a value/ },
    {
      what: 'a value without bounds',
      message: message(good, 'TH2|1577830500|1e999'),
      reason: /^line 2 is a number without bounds$/,
    },
    { what: 'a line of four fields', message: message(good, 'TH2|1577830500|1|C'), reason: /^line 2 has 4 fields/ },
    { what: 'a sensor without name', message: message(good, '|1577830500|1'), reason: /^line 2 names no sensor$/ },
    { what: 'a time that is none', message: message(good, 'TH2||1'), reason: /^line 2 says no time$/ },
    {
      what: 'a day that there is not',
      message: message('TH2|2020-02-30 00:00|1', good),
      reason: /^line 1 is a time that there is not/,
    },
  ],
  zero: { message: message('TH1|1577830500|-0.0', 'Door|1577830500|0'), metrics: { temperature: 0, door_open: false } },
  twins: {
    message: message(good),
    copy: message('', 'TH1|2020-01-01 00:15|9.40'),
    other: message('TH1 | 2020-01-01 00:15 | 9.5'),
  },
});

test('what is late is read as what is not', () => {
  const [reading] = new LinesFormat({ zone }).parse(messageOf('W1 | 2019-12-22 00:15 | 1.5', 'late')).readings;
  expect(reading).toMatchObject({ timestampMs: Date.UTC(2019, 11, 21, 22, 15), metrics: { x_value: 1.5 } });
});

test('the configuration names the metric, the longest name first, before the topic and the function', () => {
  const format = new LinesFormat({
    zone,
    metrics: { 'TH*': 'temperature', 'TH9*': 'water_temperature', TH99: 'x_hot', 'Agg*': 'x_day' },
  });
  const metricsOf = (sensor: string) =>
    format.parse(messageOf(`${sensor}|1577830500|1`, 'energy')).readings[0]?.metrics;
  expect(metricsOf('TH1')).toEqual({ temperature: 1 });
  expect(metricsOf('TH91')).toEqual({ water_temperature: 1 });
  expect(metricsOf('TH99')).toEqual({ x_hot: 1 });
  expect(metricsOf('AggDay[W1]')).toEqual({ x_day: 1 });
  expect(metricsOf('HVAC1')).toEqual({ x_energy: 1 });
});

test('without a zone only lines that need none are read', () => {
  const format = new LinesFormat();
  expect(format.parse(messageOf('a|1577830500|1\nb|2020-01-01T00:15Z|2')).readings).toHaveLength(2);
  expect(() => format.parse(messageOf(good))).toThrow(/^line 1 says no zone/);
});
