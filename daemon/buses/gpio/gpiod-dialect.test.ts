import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { dialectFor, dialectOf, parseChips, parseInfos } from './gpiod-dialect.ts';

const fixture = (path: string): string =>
  readFileSync(new URL(`../../../test/fixtures/gpiod/${path}`, import.meta.url), 'utf8');

const VERSIONS = [
  { folder: '1.6.3', version: 1 },
  { folder: '2.2.1', version: 2 },
] as const;
const LABELS = { 0: 'pinctrl-bcm2835', 4: 'pinctrl-rp1', 11: 'pinctrl-bcm2711' } as const;

test('the version is told by what the tools print', () => {
  for (const { folder, version } of VERSIONS) {
    expect(dialectFor(fixture(`${folder}/version.txt`))).toBe(dialectOf(version));
  }
  expect(dialectFor('gpiodetect (libgpiod) v3.0\n')).toBeUndefined();
  expect(dialectFor('gpiodetect: command not found\n')).toBeUndefined();
});

test.each(VERSIONS)(
  'chips and lines are read out of what $folder printed, on chips 0, 4 and 11',
  ({ folder, version }) => {
    for (const number of [0, 4, 11] as const) {
      const chips = parseChips(fixture(`${folder}/chip-${number}/gpiodetect.txt`));
      expect(chips).toHaveLength(number + 1);
      expect(chips.find(({ label }) => label === LABELS[number])?.chip).toBe(`gpiochip${number}`);
      const lines = parseInfos(dialectOf(version), fixture(`${folder}/chip-${number}/gpioinfo.txt`));
      expect(lines).toHaveLength(54 + 2 * number);
      expect(lines.filter(({ name }) => name === 'GPIO17')).toEqual([
        { chip: `gpiochip${number}`, offset: 17, name: 'GPIO17' },
      ]);
      expect(lines.find(({ name }) => name === 'SD CLK')?.offset).toBe(29);
      expect(lines.filter(({ name }) => name === undefined)).toHaveLength(25 + 2 * number);
      expect(lines.filter(({ usedBy }) => usedBy !== undefined)).toEqual([]);
    }
  },
);

test.each([
  { folder: '1.6.3', version: 1, output: 'gpioset', input: 'gpiomon' },
  { folder: '2.2.1', version: 2, output: 'mooring', input: 'mooring' },
] as const)('$folder tells who has a line', ({ folder, version, output, input }) => {
  const dialect = dialectOf(version);
  const held = (what: string) => dialect.parseInfo(fixture(`${folder}/gpioinfo-held-${what}.txt`).trimEnd());
  expect(held('output')).toEqual({ offset: 17, name: 'GPIO17', usedBy: output });
  expect(held('input')).toEqual({ offset: 17, name: 'GPIO17', usedBy: input });
});

test('edges are read with the time that the kernel gave them', () => {
  const [one, two] = [dialectOf(1), dialectOf(2)];
  expect(one.parseEdge('0 32 164569549')?.level).toBe(0);
  expect(one.parseEdge('0 32 164569549')?.stampMs).toBeCloseTo(32_164.569549, 6);
  expect(one.parseEdge('1 32 8417')?.level).toBe(1);
  expect(one.parseEdge('1 32 8417')?.stampMs).toBeCloseTo(32_000.008417, 6);
  expect(two.parseEdge('2 33.338939348')?.level).toBe(0);
  expect(two.parseEdge('2 33.338939348')?.stampMs).toBeCloseTo(33_338.939348, 6);
  expect(two.parseEdge('1 33.341437362')?.level).toBe(1);
  for (const text of ['', '3 33.3', '1', 'event: RISING EDGE offset: 17 timestamp: [1.2]']) {
    expect(one.parseEdge(text)).toBeUndefined();
    expect(two.parseEdge(text)).toBeUndefined();
  }
});

test.each(VERSIONS)('$folder knows every option that it is given', ({ folder, version }) => {
  const dialect = dialectOf(version);
  const line = { chip: 'gpiochip4', offset: 17 };
  const options = (args: readonly string[]): string[] =>
    args.filter((arg) => arg.startsWith('--')).map((arg) => arg.split('=')[0] as string);
  const set = fixture(`${folder}/gpioset-help.txt`);
  const monitor = fixture(`${folder}/gpiomon-help.txt`);
  for (const option of options([...dialect.hold(line, 1), ...dialect.setOnce(line, 0)])) expect(set).toContain(option);
  for (const option of options(dialect.monitor(line, { bias: 'up' }))) expect(monitor).toContain(option);
  expect(dialect.hold(line, 1).at(-1)).toBe('17=1');
  expect(dialect.monitor(line, { bias: 'none' }).join(' ')).not.toContain('bias');
});
