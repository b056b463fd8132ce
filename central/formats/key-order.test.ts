import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import type { JsonValue } from '../../protocol/record.ts';
import { messageOf } from '../../test/conformance/format.ts';
import { BuoyJsonFormat } from './buoy-json/buoy-json.ts';
import { FlatJsonFormat } from './flat-json/flat-json.ts';
import type { Format } from './format.ts';
import { LorawanFormat } from './lorawan/lorawan.ts';
import { MappingFormat } from './mapping/mapping.ts';
import { loadMapping } from './mapping/mapping-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'mooring-key-order-'));
afterAll(() => rmSync(folder, { recursive: true }));

function mapped(yaml: string): Format {
  const file = join(folder, 'mapping.yaml');
  writeFileSync(file, yaml);
  return new MappingFormat(loadMapping(file));
}

/** Names that fold to one, by a format's table and by themselves; one whose value is refused, one without. */
const VALUES = { temperature: 1, Temperature: 2, TEMPERATURE: 'x', 'a b': 3, a_b: null, A_B: 4, 'A-B': 5 };
const many = Object.fromEntries(Array.from({ length: 40 }, (_, index) => [`k${index}`, index]));

const CASES: [format: Format, message: Readonly<Record<string, JsonValue>>, inner: string | undefined][] = [
  [new FlatJsonFormat(), { ...VALUES, station_id: 's', sensor_id: 't' }, undefined],
  [new BuoyJsonFormat(), { ...VALUES, sensor_id: 1, location: { lat: 1, lon: 2 } }, undefined],
  [
    mapped('message: json\nsource_id: id\nnamed: { each: v, metrics: { temperature: temperature } }\n'),
    { id: 'm', v: VALUES },
    'v',
  ],
  [
    new LorawanFormat(),
    {
      DevEui: 'd',
      fCnt: 1,
      FCntUp: 2,
      aB: 1,
      a_b: 2,
      'A b': 3,
      ...many,
      parsedPayload: { ...VALUES, pir: 'idle', presence: 1 },
    },
    'parsedPayload',
  ],
];

test.each(CASES)(
  'the order of keys in a message decides nothing of what $0.name makes of it',
  (format, message, inner) => {
    const said = (keys: readonly string[], object: object): object =>
      Object.fromEntries(keys.map((key) => [key, (object as Record<string, unknown>)[key]]));
    const parsed = (outer: object): string => JSON.stringify(format.parse(messageOf(JSON.stringify(outer))));
    const within = (inner === undefined ? {} : message[inner]) as object;
    const expected = parsed(message);
    const shuffled = (object: object): fc.Arbitrary<string[]> => {
      const keys = Object.keys(object);
      return fc.shuffledSubarray(keys, { minLength: keys.length });
    };
    fc.assert(
      fc.property(shuffled(message), shuffled(within), (outerKeys, innerKeys) => {
        const changed = inner === undefined ? message : { ...message, [inner]: said(innerKeys, within) };
        expect(parsed(said(outerKeys, changed))).toBe(expected);
      }),
      { numRuns: 50 },
    );
  },
);
