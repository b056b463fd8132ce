import { expect, test } from 'vitest';
import { geodesicM, haversineM } from './geodesic.ts';

const at = (lat: number, lon: number): { lat: number; lon: number } => ({ lat, lon });

test('lengths of WGS 84: a quarter of the equator, a quarter of a meridian, a degree at the equator', () => {
  // Equatorial radius 6,378,137 m; quarter meridian 10,001,965.729 m (NGA.STND.0036).
  expect(geodesicM(at(0, 0), at(0, 90))).toBeCloseTo((6_378_137 * Math.PI) / 2, 3);
  expect(geodesicM(at(0, 0), at(90, 0))).toBeCloseTo(10_001_965.729, 3);
  expect(geodesicM(at(0, 0), at(0, 1))).toBeCloseTo((6_378_137 * Math.PI) / 180, 3);
});

test('the line of Flinders Peak to Buninyong is as Geoscience Australia publishes it', () => {
  // GDA technical manual, on GRS80, which differs from WGS 84 by 0.1 mm in its minor axis: 54,972.271 m.
  const flinders = at(-(37 + 57 / 60 + 3.7203 / 3600), 144 + 25 / 60 + 29.5244 / 3600);
  const buninyong = at(-(37 + 39 / 60 + 10.1561 / 3600), 143 + 55 / 60 + 35.3839 / 3600);
  expect(geodesicM(flinders, buninyong)).toBeCloseTo(54_972.271, 2);
});

test('the way is the same in both directions, across the date line, and around the pole', () => {
  expect(geodesicM(at(1, 179.9999), at(1, -179.9999))).toBeCloseTo(geodesicM(at(1, -0.0001), at(1, 0.0001)), 6);
  expect(geodesicM(at(40, 3), at(-20, 190))).toBeCloseTo(geodesicM(at(-20, -170), at(40, 3)), 6);
  expect(geodesicM(at(90, 0), at(90, 123))).toBeLessThan(1e-6);
  expect(geodesicM(at(42, 3), at(42, 3))).toBe(0);
});

test('points that are almost antipodal are as far apart as half the earth, to within 0.6 %', () => {
  // 20,003,931.459 m: half a meridian, by which the way from pole to pole goes.
  for (const to of [at(0, 180), at(0.3, 179.7), at(-0.1, 179.9)]) {
    expect(Math.abs(geodesicM(at(0, 0), to) / 20_003_931.459 - 1)).toBeLessThan(0.006);
  }
});

test('on the sphere a degree of a great circle is 111,194.93 m, in every direction', () => {
  for (const to of [at(0, 1), at(1, 0), at(0, -1), at(0, 359)]) {
    expect(haversineM(at(0, 0), to)).toBeCloseTo((6_371_000 * Math.PI) / 180, 4);
  }
});
