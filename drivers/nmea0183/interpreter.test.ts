import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { metricNamed } from '../../protocol/metrics.ts';
import { closed, NmeaListener } from '../../test/nmea-listener.ts';
import type { Reading } from '../driver.ts';

test('lines are counted by what they were', () => {
  const listener = new NmeaListener();
  for (const line of [
    '$IIHDT,,T*0C',
    '$IIHDT,,T*0D',
    'noise',
    '!AIVDM,1,1,,A,14eG;o@034o8sd<L9i:a;WF>062D,0*7D',
    '$IIXXX*53',
  ]) {
    listener.interpreter.read(line);
  }
  expect(listener.interpreter.counts).toEqual({ sentence: 1, checksum: 2, malformed: 1, other: 1 });
});

describe('whatever a line holds', () => {
  const FORMATTERS = 'DBK DBS DBT DPT GGA GLL HDG HDM HDT MTW MWD MWV RMC VHW VTG VWR VWT XDR ZDA constructor'.split(
    ' ',
  );
  const field = fc.oneof(
    fc.constantFrom(
      '',
      'A',
      'V',
      'N',
      'T',
      'R',
      'L',
      'M',
      'K',
      'E',
      'W',
      'S',
      'f',
      'F',
      'C',
      'P',
      'B',
      'H',
      '0',
      '-0',
      '360',
    ),
    fc.double({ min: -1e4, max: 1e4, noNaN: true }).map((value) => value.toFixed(2)),
    fc.constantFrom('123519', '230394', '4807.038', '01131.000', '1e5', '99999999999', 'TempAir', '0.0000001'),
    fc.string({ maxLength: 8 }),
  );
  const sentence = fc
    .tuple(fc.constantFrom(...FORMATTERS), fc.array(field, { maxLength: 16 }))
    .map(([formatter, fields]) => {
      const body = `GP${formatter},${fields.join(',')}`.replace(/[^\x20-\x7e]|[$!*]/g, '');
      return closed(body);
    });
  const noise = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes).toString('latin1'));

  test('it never throws, and gives only finite values of metrics within what an instrument can mean', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(sentence, noise), { maxLength: 20 }), (lines) => {
        const reader = new NmeaListener({ xdr: ['temperature', 'dew_point', 'humidity', 'pressure'] });
        for (const line of lines) checkReading(reader.interpreter.read(line).reading);
      }),
      { numRuns: 2000 },
    );
  });
});

function checkReading(reading: Reading | undefined): void {
  if (reading === undefined) return;
  for (const [name, value] of Object.entries(reading.metrics)) {
    expect(metricNamed(name), name).toBeDefined();
    expect(Number.isFinite(value) && !Object.is(value, -0), `${name} = ${String(value)}`).toBe(true);
    if (/direction|angle|heading|course/.test(name))
      expect(Number(value) >= 0 && Number(value) <= 360, `${name} = ${value}`).toBe(true);
    if (/speed|depth|hdop|satellites/.test(name)) expect(Number(value) >= 0, `${name} = ${value}`).toBe(true);
    expect(reading.missing ?? []).not.toContain(name);
  }
  if (reading.location !== undefined) {
    expect(Math.abs(reading.location.lat)).toBeLessThanOrEqual(90);
    expect(Math.abs(reading.location.lon)).toBeLessThanOrEqual(180);
  }
  if (reading.utcMs !== undefined) expect(Number.isSafeInteger(reading.utcMs)).toBe(true);
  const said = Object.keys(reading.metrics).length + (reading.missing?.length ?? 0);
  expect(said > 0 || reading.location !== undefined || reading.utcMs !== undefined).toBe(true);
}
