import { join } from 'node:path';
import { expect, test } from 'vitest';
import { describeFormat, fixturesIn, messageOf } from '../../../test/conformance/format.ts';
import type { ForeignMessage } from '../format.ts';
import { TimeZone } from '../time-zone.ts';
import { BuoyJsonFormat } from './buoy-json.ts';

const format = new BuoyJsonFormat({ zone: new TimeZone('Europe/Paris') });
const fixtures = fixturesIn(join(import.meta.dirname, 'fixtures'));
const fixture = (name: string): ForeignMessage =>
  fixtures.find((each) => each.name === name)?.message as ForeignMessage;
const changed = (name: string, from: string | RegExp, to: string): ForeignMessage =>
  messageOf(Buffer.from(fixture(name).bytes).toString().replace(from, to));

describeFormat('buoy-json', {
  make: () => new BuoyJsonFormat({ zone: new TimeZone('Europe/Paris') }),
  fixtures,
  malformed: [
    {
      what: 'a message that is cut',
      message: messageOf(fixture('long').bytes.subarray(0, 1024)),
      reason: /is no JSON/,
    },
    { what: 'a list', message: messageOf('[]'), reason: /^the message is no object$/ },
    { what: 'no buoy', message: changed('summer', '"sensor_id": 1, ', ''), reason: /^sensor_id is missing/ },
    {
      what: 'half a buoy',
      message: changed('summer', '"sensor_id": 1', '"sensor_id": 1.5'),
      reason: /^sensor_id is no/,
    },
    {
      what: 'a time that there is not',
      message: changed('summer', '2024-07-21', '2024-07-32'),
      reason: /^timestamp is a time that there is not: "2024-07-32/,
    },
    { what: 'no value', message: messageOf('{"sensor_id":1}'), reason: /^the message says no value$/ },
  ],
  damaged: [
    {
      what: 'a value that is a text',
      message: changed('summer', '24.37', '"24.37"'),
      reason: /^temperature is no number$/,
    },
    {
      what: 'a place off the earth',
      message: changed('summer', '42.488801', '92.5'),
      reason: /^location\.lat is no number from -90 to 90$/,
    },
    {
      what: 'a place that is a text',
      message: changed('summer', /\{"lon.*?\}/, '"here"'),
      reason: /^location is no object/,
    },
  ],
  zero: { message: fixture('zero'), metrics: { temperature: 0, humidity: 0 } },
  twins: {
    message: fixture('summer'),
    copy: messageOf(
      `\n${JSON.stringify(Object.fromEntries(Object.entries(JSON.parse(Buffer.from(fixture('summer').bytes).toString())).reverse()))}`,
    ),
    other: changed('summer', '24.37', '24.38'),
  },
});

test('a value that is refused is missing, not 0', () => {
  const { readings } = format.parse(changed('summer', '24.37', '"x"'));
  expect(readings[0]).toMatchObject({ missing: ['temperature'], metrics: { humidity: 51.02, pressure: 1004.66 } });
});

test('without a zone only a time with an offset is taken', () => {
  const zoneless = new BuoyJsonFormat();
  expect(() => zoneless.parse(fixture('summer'))).toThrow(/^timestamp says no zone, and the source has none/);
  const offset = changed('summer', '10:06:04.123456', '10:06:04.123456+02:00');
  expect(zoneless.parse(offset).readings[0]?.timestampMs).toBe(Date.UTC(2024, 6, 21, 8, 6, 4, 123));
});
