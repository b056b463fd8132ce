import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { MooringError } from '../errors.ts';
import { formatProblem, problemsOf } from './problem.ts';
import { CONFIG_BYTES_MAX, ConfigReader } from './reader.ts';
import { duration, filePath, later, laterKeys } from './values.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'mooring-config-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const write = (name: string, content: string | Uint8Array): string => {
  const file = join(folder, name);
  writeFileSync(file, content);
  return file;
};

const thrownBy = (action: () => unknown): MooringError => {
  try {
    action();
  } catch (error) {
    if (error instanceof MooringError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
};

/** What a schema finds in a text, without the file's name. */
const problems = (schema: z.ZodType, text: string): string[] => {
  const file = write('x.yaml', text);
  const reader = new ConfigReader(file);
  reader.parse(schema, []);
  try {
    reader.throwIfInvalid();
    return [];
  } catch (error) {
    return problemsOf(error).map((problem) => formatProblem(problem).replace(`${file}:`, ''));
  }
};

test('a file that is not there, or is a folder, is unreadable, and says why', () => {
  const absent = thrownBy(() => new ConfigReader(join(folder, 'absent.yaml')));
  expect([absent.code, absent.context.reason]).toEqual(['CONFIG_UNREADABLE', 'ENOENT']);
  mkdirSync(join(folder, 'folder.yaml'));
  const isFolder = thrownBy(() => new ConfigReader(join(folder, 'folder.yaml')));
  expect([isFolder.code, isFolder.context.reason]).toEqual(['CONFIG_UNREADABLE', 'EISDIR']);
});

test('a file that is too large, endless, or not text is refused without being parsed', () => {
  const large = thrownBy(() => new ConfigReader(write('large.yaml', 'a'.repeat(CONFIG_BYTES_MAX + 1))));
  expect(problemsOf(large)[0]?.message).toContain('larger than 256 KiB');
  expect(problemsOf(thrownBy(() => new ConfigReader('/dev/zero')))[0]?.message).toContain('larger than');
  const bytes = thrownBy(() => new ConfigReader(write('bytes.yaml', Uint8Array.of(0x61, 0x3a, 0xff))));
  expect(problemsOf(bytes)[0]?.message).toBe('is not UTF-8 text');
});

test('a file at the bound is read, and a byte order mark and CRLF do no harm', () => {
  const comment = `# ${'x'.repeat(CONFIG_BYTES_MAX - 8)}\n`;
  expect(new ConfigReader(write('full.yaml', `${comment}a: 1\n`)).data).toEqual({ a: 1 });
  const reader = new ConfigReader(write('crlf.yaml', '\ufeffa: 1\r\nb: 2\r\n'));
  expect(reader.data).toEqual({ a: 1, b: 2 });
  expect(reader.lineOf(['b'])).toBe(2);
});

test('all problems come at once, in the order of the file, as FILE:LINE:COL key: message. Hint.', () => {
  const schema = z.strictObject({
    name: z.string().describe('What it is called'),
    every: duration(),
    list: z.array(z.strictObject({ port: z.int().min(1).max(9) })).max(2),
    flag: z.boolean(),
    ...laterKeys('alarms'),
  });
  expect(
    problems(schema, 'alarms: []\nevry: 1s\nevery: fast\nlist:\n  - { port: 10 }\n  - { prot: 1.5 }\nflag: no\n'),
  ).toEqual([
    '1:1 name: missing. What it is called.',
    '1:1 alarms: not in this version.',
    '2:1 evry: unknown key. Did you mean `every`?',
    '3:8 every: is not a duration. Write a number and its unit: 250ms, 10s, 5m or 1h.',
    '5:13 list[0].port: is more than 9.',
    '6:5 list[1].port: missing.',
    '6:7 list[1].prot: unknown key. Did you mean `port`?',
    '7:7 flag: `true` or `false` is expected, not text.',
  ]);
});

test('a key that is not in this version is never suggested', () => {
  expect(problems(z.strictObject({ local: later(), other: z.int().optional() }), 'locale: 1\n')).toEqual([
    '1:1 locale: unknown key. Known here: `other`.',
  ]);
});

test('of several alternatives the one that was begun is explained', () => {
  const schema = z.strictObject({
    at: z
      .union([z.literal('gps'), z.strictObject({ lat: z.number(), lon: z.number() })])
      .meta({ hint: 'Write `gps`.' }),
  });
  expect(problems(schema, 'at: { lat: x, lan: 1 }\n')).toEqual([
    '1:1 at.lon: missing.',
    '1:12 at.lat: a number is expected, not text.',
    '1:15 at.lan: unknown key. Did you mean `lat`?',
  ]);
  expect(problems(schema, 'at: 7\n')).toEqual(['1:5 at: is not valid here, being a whole number. Write `gps`.']);
  expect(problems(schema, 'at: gps\n')).toEqual([]);
});

test('a mapping with free names has its names checked, and what they hold', () => {
  const name = z
    .string()
    .regex(/^[a-z]+$/, { error: 'is not a name' })
    .meta({ hint: 'Small letters.' });
  expect(problems(z.strictObject({ ways: z.record(name, z.int()) }), 'ways: { A: 1, b: x }\n')).toEqual([
    '1:9 ways.A: is not a name. Small letters.',
    '1:18 ways.b: a number is expected, not text.',
  ]);
});

test('numbers that are none, and text that looks like a number, are told', () => {
  const schema = z.strictObject({ n: z.number().optional(), s: z.string().optional() });
  expect(problems(schema, 'n: .nan\n')).toEqual(['1:4 n: a number is expected, not an infinite or undefined one.']);
  expect(problems(schema, 's: 12\n')).toEqual(['1:4 s: text is expected, not a whole number. Put it in quotes.']);
  expect(problems(schema, 'n:\n')).toEqual(['1:3 n: a number is expected, not nothing.']);
});

test('keys that JavaScript gives a meaning are keys like any other', () => {
  expect(problems(z.strictObject({}), '__proto__: { polluted: 1 }\nconstructor: 1\n')).toHaveLength(2);
  expect(({} as { polluted?: number }).polluted).toBeUndefined();
});

test('paths become absolute, relative to the file and not to where the command runs', () => {
  const schema = z.strictObject({
    key: filePath(),
    more: z.array(z.strictObject({ path: filePath().optional(), text: z.string() })),
    named: z.record(z.string(), filePath()),
  });
  const file = write('paths.yaml', 'key: a.pem\nmore: [{ path: ../b, text: ./c }, { text: d }]\nnamed: { e: /f }\n');
  expect(new ConfigReader(file).parse(schema, [])).toEqual({
    key: join(folder, 'a.pem'),
    more: [{ path: join(folder, '..', 'b'), text: './c' }, { text: 'd' }],
    named: { e: '/f' },
  });
});

test('the error says how many problems there are and how to see them', () => {
  const reader = new ConfigReader(write('two.yaml', 'a: 1\nb: 2\n'));
  reader.parse(z.strictObject({}), []);
  const error = thrownBy(() => reader.throwIfInvalid());
  expect([error.code, error.message, error.retry]).toEqual([
    'CONFIG_INVALID',
    'the configuration has 2 errors',
    'never',
  ]);
  expect(error.hint).toBe(`Run: mooring check ${reader.file}`);
});
