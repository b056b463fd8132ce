import { copyFile, mkdtemp, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { formatProblem, problemsOf } from '../../../runtime/config/problem.ts';
import type { Log } from '../../../runtime/log.ts';
import { SteppedClock } from '../../../sim/clock.ts';
import { REGISTRY_BYTES_MAX, Registry, type RegistryOptions } from './registry.ts';

const FIXTURES = join(import.meta.dirname, 'fixtures');
const ROOMS = { key: 'DevEui', tags: ['institute', 'classroom', 'profile'], site: 'institute' };

let folder: string;
let file: string;
let clock: SteppedClock;
let logged: [string, Record<string, unknown>, string][];
let opened: Registry[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mooring-registry-'));
  file = join(folder, 'rooms.csv');
  await copyFile(join(FIXTURES, 'rooms.csv'), file);
  clock = new SteppedClock();
  logged = [];
  opened = [];
});

afterEach(async () => {
  for (const registry of opened) await registry.close();
  expect(clock.pendingTimers).toBe(0);
  await rm(folder, { recursive: true });
});

function registryOf(options: Partial<RegistryOptions> = {}): Registry {
  const note =
    (level: string) =>
    (fields: Record<string, unknown>, message: string): void => {
      logged.push([level, fields, message]);
    };
  const log = { info: note('info'), warn: note('warn'), error: note('error'), debug: note('debug') } as unknown as Log;
  const registry = new Registry({ name: 'rooms', file, ...ROOMS, clock, log, ...options });
  opened.push(registry);
  return registry;
}

async function failureOf(text: string, options: Partial<RegistryOptions> = {}): Promise<string[]> {
  const path = options.file ?? file;
  await writeFile(path, text);
  const error = await registryOf(options)
    .open()
    .then(
      () => undefined,
      (reason: unknown) => reason,
    );
  return problemsOf(error).map((problem) => formatProblem(problem).replace(`${path}:`, ''));
}

/** Replaces the file as a careful editor does, and lets the registry look at it. */
async function replaceWith(text: string): Promise<void> {
  await writeFile(`${file}.new`, text);
  await rename(`${file}.new`, file);
  await look();
}

async function look(): Promise<void> {
  await clock.advance(5000);
  await opened[0]?.settled();
}

test('a device is found by its own name, in upper or lower case, with its tags and its site', async () => {
  const registry = registryOf();
  await registry.open();
  const aurora = 'Liceo "Aurora", sede A';
  expect(registry.size).toBe(4);
  expect(registry.entryOf('24E1240000000001')).toEqual({
    tags: { institute: aurora, classroom: '1A', profile: 'iaq', site: aurora },
  });
  expect(registry.entryOf('A840410000000001')?.tags.profile).toBe('porta');
  expect(registry.entryOf('A840410000000002')?.tags.classroom).toBe('Aula\r\nmagna');
  expect(registry.entryOf('24e124ffffffffff')).toBeUndefined();
});

test('an empty field is no tag', async () => {
  const registry = registryOf();
  await registry.open();
  expect(registry.entryOf('A840410000000003')?.tags).toEqual({
    institute: 'Istituto Mare',
    profile: 'finestra',
    site: 'Istituto Mare',
  });
});

test('JSON says the same, with locations', async () => {
  const registry = registryOf({ file: join(FIXTURES, 'rooms.json'), tags: ['institute', 'classroom', 'floor'] });
  await registry.open();
  expect(registry.entryOf('24e1240000000001')?.tags).toMatchObject({ classroom: '1A', floor: '2' });
  expect(registry.entryOf('A840410000000003')?.location).toEqual({ lat: 41.9, lon: 12.5, alt: 21 });
  expect(registry.entryOf('A840410000000001')?.location).toBeUndefined();
});

test('places are degrees to 1e-7, and the columns that hold them may have other names', async () => {
  await writeFile(file, 'DevEui,lat,lon\nA1,-0.0,12.55555555\nA2,,\n');
  const registry = registryOf({ tags: [], site: undefined });
  await registry.open();
  expect(registry.entryOf('A1')).toEqual({ tags: {}, location: { lat: 0, lon: 12.5555556 } });
  expect(registry.entryOf('A2')).toEqual({ tags: {} });
  await writeFile(file, 'DevEui,north,east,height\nA1,1,2,-3.5\n');
  const named = registryOf({ tags: [], site: undefined, location: { lat: 'north', lon: 'east', alt: 'height' } });
  await named.open();
  expect(named.entryOf('A1')?.location).toEqual({ lat: 1, lon: 2, alt: -3.5 });
});

test('a new version is read when the file changes, and not before', async () => {
  const registry = registryOf();
  await registry.open();
  await replaceWith('DevEui,institute,classroom,profile\nA1,I,9Z,iaq\n');
  expect(registry.size).toBe(1);
  expect(registry.entryOf('A1')?.tags.classroom).toBe('9Z');
  expect(logged).toEqual([['info', { registry: 'rooms', devices: 1 }, 'a registry was read anew']]);
  await look();
  expect(logged).toHaveLength(1);
});

test('a broken new version is refused with its line, told once, while the old one serves; a right one is taken', async () => {
  const registry = registryOf();
  await registry.open();
  await replaceWith('DevEui,institute,classroom,profile\nA1,I,9Z,iaq\nA2,I,"9Z,iaq\n');
  await look();
  expect(registry.size).toBe(4);
  expect(logged.map(([level, { first }, message]) => [level, first, message])).toEqual([
    ['error', 'line 3: a quote that is not closed', 'a registry is not taken as it is now: the one before serves'],
  ]);
  await replaceWith('DevEui,institute,classroom,profile\nA1,I,9Z\n');
  expect(logged.at(-1)?.[1]).toMatchObject({ first: 'line 2: has 3 of 4 fields' });
  await replaceWith('DevEui,institute,classroom,profile\nA1,I,9Z,iaq\n');
  expect(registry.size).toBe(1);
});

test('a file that is gone for a while costs nothing, and is told once', async () => {
  const registry = registryOf();
  await registry.open();
  await rename(file, `${file}.away`);
  await look();
  await look();
  expect(registry.size).toBe(4);
  expect(logged.map(([level, { reason }]) => [level, reason])).toEqual([['error', 'ENOENT']]);
  await rename(`${file}.away`, file);
  await utimes(file, 1, 1);
  await look();
  expect(logged.map(([level]) => level)).toEqual(['error', 'info']);
});

test.each<[string, string, readonly string[]]>([
  [
    'a column that is not there',
    'institute,DevEUI,profile,classroom\n',
    [
      '1:1 DevEui: there is no such column. Did you mean `DevEUI`? The file has: institute, DevEUI, profile, classroom.',
    ],
  ],
  ['a column that stands twice', 'DevEui,a,a\n', ['1:1 a: stands twice among the columns. Rename one.']],
  ['nothing', '\n', [' the file is empty. Its first line names the columns.']],
  [
    'a device that stands twice',
    'DevEui\na1\nb1\nA1\n',
    ['4:1 DevEui: `A1` stands twice; the first is in line 2. Remove one.'],
  ],
  ['a line without a device', 'DevEui,x\na1,1\n,2\n', ['3:1 DevEui: is empty. Each line names its device.']],
  [
    'places that are none',
    'DevEui,lat,lon\na,91,1\nb,1,east\nc,1,\n',
    [
      '2:1 lat: is no number from -90 to 90. Write degrees with a decimal point.',
      '3:1 lon: is no number from -180 to 180. Write degrees with a decimal point.',
      '4:1 lat: stands without `lon`, or the other way round. Write both.',
    ],
  ],
])('%s is told', async (what, text, expected) => {
  const tags = what.startsWith('a column that is not') ? ROOMS : { tags: [], site: undefined };
  expect(await failureOf(text, tags)).toEqual(expected);
});

test('two columns cannot become one tag', async () => {
  expect(
    await failureOf('DevEui,Class Room,class_room\n', { tags: ['Class Room', 'class_room'], site: undefined }),
  ).toEqual(['1:1 class_room: becomes the tag `class_room`, as `Class Room` does. Rename one of the columns.']);
});

test.each([
  [
    '[\n  { "DevEui": "a" },\n  7\n]',
    '3:1 (json): entry 2 is no object. Write a list of objects, or an object with one for each device.',
  ],
  [
    '[\n  { "DevEui": "a" },\n  { "DevEui": "A" }\n]',
    '3:1 DevEui: `A` stands twice; the first is in line 2. Remove one.',
  ],
  ['[\n  { "DevEui": "a" },\n  { "DevEui" "A" }\n]', "3:1 (json): is no JSON: Expected ':' after property name."],
  ['[\n  { "DevEui": "a" }', "2:1 (json): is no JSON: Expected ',' or ']' after array element."],
  ['3', '1:1 (json): is neither a list nor an object. Write a list of objects, or an object with one for each device.'],
])('JSON that is wrong is told with its line: %j', async (text, expected) => {
  expect(await failureOf(text, { file: join(folder, 'r.json'), tags: [], site: undefined })).toEqual([expected]);
});

test('a file that is no text, or too large, is refused; one that is not there says so', async () => {
  await writeFile(file, Uint8Array.of(0x61, 0xff));
  await expect(registryOf().open()).rejects.toMatchObject({ message: 'the registry is not UTF-8 text' });
  await writeFile(file, Buffer.alloc(REGISTRY_BYTES_MAX + 1, 'a'));
  await expect(registryOf().open()).rejects.toMatchObject({ message: 'the registry is larger than 4 MiB' });
  await rm(file);
  await expect(registryOf().open()).rejects.toMatchObject({ code: 'CONFIG_UNREADABLE', context: { reason: 'ENOENT' } });
});
