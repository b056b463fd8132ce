import { spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { systemClock } from '../../../runtime/clock.ts';
import { dialectOf } from './gpiod-dialect.ts';
import { GpiodLines } from './gpiod-lines.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mooring-gpiod-'));
  mkdirSync(join(folder, 'dev'));
  writeFileSync(join(folder, 'dev', 'gpiochip0'), '');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Tools that list two chips of one label with a line of one name each, as version 2 prints them. */
function twoChips(): GpiodLines {
  print('gpiodetect', 'gpiochip0 [pinctrl-rp1] (54 lines)', 'gpiochip4 [pinctrl-rp1] (54 lines)');
  print(
    'gpioinfo',
    ...['gpiochip0', 'gpiochip4'].flatMap((chip) => [`${chip} - 54 lines:`, '\tline  17:\t"GPIO17"        \tinput']),
  );
  const place = { spawn, clock: systemClock, dev: join(folder, 'dev'), toolsFolder: folder };
  return new GpiodLines(place, dialectOf(2));
}

function print(tool: string, ...lines: readonly string[]): void {
  const path = join(folder, tool);
  writeFileSync(path, `#!/bin/sh\ncat <<'END'\n${lines.join('\n')}\nEND\n`);
  chmodSync(path, 0o755);
}

test('a second name of a chip, as a Raspberry Pi 5 has one, is no second chip', async () => {
  const lines = twoChips();
  symlinkSync('gpiochip0', join(folder, 'dev', 'gpiochip4'));
  for (const line of ['GPIO17', 'pinctrl-rp1/17']) {
    expect(await lines.find(line)).toEqual({
      found: { by: 'gpiod', version: 2, folder, chip: 'gpiochip0', offset: 17 },
    });
  }
  expect((await lines.list()).map(({ chip }) => chip)).toEqual(['gpiochip0']);
});

test('a name that two lines have is refused rather than guessed', async () => {
  const lines = twoChips();
  writeFileSync(join(folder, 'dev', 'gpiochip4'), '');
  for (const line of ['GPIO17', 'pinctrl-rp1/17']) {
    await expect(lines.find(line)).rejects.toMatchObject({
      code: 'PORT_ABSENT',
      message: 'more than one GPIO line has this name',
      context: { found: ['gpiochip0 17', 'gpiochip4 17'] },
    });
  }
});
