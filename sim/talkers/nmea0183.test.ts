import { expect, test } from 'vitest';
import { Interpreter } from '../../drivers/nmea0183/interpreter.ts';
import { nmea0183 } from '../../drivers/nmea0183/nmea0183.ts';
import { settingsOf } from '../../drivers/nmea0183/options.ts';
import { SteppedClock } from '../clock.ts';
import { NmeaTalker } from './nmea0183.ts';

const UTC = Date.UTC(2026, 2, 4, 10, 0, 0, 987);

/** What the driver understands of two seconds of talk, the latest word on each metric. */
async function heard(truths: Readonly<Record<string, number>>, options: object, hasFix = true): Promise<object> {
  const clock = new SteppedClock(UTC - 2000);
  const knows = (quantity: string): boolean => Object.hasOwn(truths, quantity);
  const truth = (quantity: string): number => truths[quantity] ?? Number.NaN;
  const talker = new NmeaTalker({ clock, truth, knows, utcMs: () => clock.wallMs() });
  talker.hasFix = hasFix;
  const interpreter = new Interpreter(settingsOf(nmea0183.options.parse({ port: '/dev/x', ...options })), clock);
  const all = { metrics: {}, missing: new Set<string>(), location: undefined as unknown, utcMs: undefined as unknown };
  talker.powerUp((bytes) => {
    for (const line of Buffer.from(bytes).toString('latin1').split('\r\n').slice(0, -1)) {
      const { verdict, reading } = interpreter.read(line);
      expect(verdict, line).not.toBe('malformed');
      expect(verdict, line).not.toBe('checksum');
      Object.assign(all.metrics, reading?.metrics);
      for (const name of reading?.missing ?? []) all.missing.add(name);
      all.location = reading?.location ?? all.location;
      all.utcMs = reading?.utcMs ?? all.utcMs;
    }
  });
  await clock.advance(2000);
  talker.powerDown();
  expect(clock.pendingTimers).toBe(0);
  return { ...all, missing: [...all.missing] };
}

test('a driver hears what is true, in both hemispheres, and the time to the millisecond', async () => {
  const truths = {
    lat: -33.8567844,
    lon: -151.2152967,
    wind_speed: 6.2,
    wind_direction: 359.97,
    water_temperature: 17.3,
  };
  expect(await heard(truths, {})).toMatchObject({
    metrics: { wind_speed: 6.2, wind_direction: 0, water_temperature: 17.3, gnss_fix: 1, satellites: 9, hdop: 0.9 },
    location: { lat: expect.closeTo(-33.8567844, 6), lon: expect.closeTo(-151.2152967, 6) },
    utcMs: UTC,
  });
});

test('a receiver without a fix has no place, no time and no speed, and says so', async () => {
  const said = await heard({ lat: 42, lon: 3 }, {}, false);
  expect(said).toMatchObject({ metrics: { gnss_fix: 0 }, location: undefined, utcMs: undefined });
  expect(said).toMatchObject({ missing: expect.arrayContaining(['speed_over_ground', 'course_over_ground']) });
});

test('a weather station among the instruments gives its transducers, pressure in bar', async () => {
  const truths = { temperature: -7.4, humidity: 81, pressure: 1013.3 };
  const xdr = ['temperature', 'humidity', 'pressure'];
  expect(await heard(truths, { xdr })).toMatchObject({
    metrics: { temperature: -7.4, humidity: 81, pressure: expect.closeTo(1013.3, 6) },
  });
});
