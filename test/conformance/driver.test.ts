import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { DRIVERS } from '../../drivers/index.ts';
import { type DriverSubject, driverConformance } from './driver.ts';

/** One file a driver: `drivers/NAME.ts`, which exports `subject`. */
const folder = join(import.meta.dirname, 'drivers');
const subjects = await Promise.all(
  readdirSync(folder)
    .sort()
    .map(async (file) => ((await import(join(folder, file))) as { readonly subject: DriverSubject }).subject),
);

test('every driver has a subject here, but for the one that is a simulation itself', () => {
  const registered = DRIVERS.map(({ name }) => name).filter((name) => name !== 'sim');
  expect(subjects.map(({ driver }) => driver.name)).toEqual(registered.sort());
});

for (const subject of subjects) driverConformance(subject);
