import { spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { systemClock } from '../../../runtime/clock.ts';
import { LogLines } from '../../../test/log-lines.ts';
import { LineFinder } from './line-finder.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mooring-finder-'));
  for (const part of ['dev', 'sys/class/gpio/gpiochip512']) mkdirSync(join(folder, part), { recursive: true });
  writeFileSync(join(folder, 'dev/gpiochip0'), '');
  writeFileSync(join(folder, 'sys/class/gpio/export'), '');
  for (const [file, text] of Object.entries({ label: 'pinctrl-bcm2711', base: '512', ngpio: '58' })) {
    writeFileSync(join(folder, 'sys/class/gpio/gpiochip512', file), text);
  }
});
afterEach(() => rmSync(folder, { recursive: true }));

function tool(name: string, ...script: readonly string[]): void {
  const path = join(folder, name);
  writeFileSync(path, `#!/bin/sh\n${script.join('\n')}\n`);
  chmodSync(path, 0o755);
}

test('tools that did not answer once are used as soon as they do, and the older interface until then', async () => {
  const log = new LogLines();
  const place = { clock: systemClock, log, spawn, dev: join(folder, 'dev'), sys: join(folder, 'sys'), onoff: 'onoff' };
  const finder = new LineFinder({ ...place, toolsFolder: folder });
  tool('gpiodetect', 'exit 1');
  for (const _ of [1, 2]) expect((await finder.find('GPIO17')).found).toMatchObject({ by: 'sysfs', number: 529 });
  expect(log.said).toEqual([
    'warn: GPIO goes through the older interface of the kernel, which newer kernels do not have',
  ]);
  tool(
    'gpiodetect',
    '[ "$1" = --version ] && echo "gpiodetect (libgpiod) v2.2.1" || echo "gpiochip0 [pinctrl-bcm2711] (58 lines)"',
  );
  tool('gpioinfo', `printf 'gpiochip0 - 58 lines:\\n\\tline  17:\\t"GPIO17"        \\tinput\\n'`);
  for (const _ of [1, 2]) expect((await finder.find('GPIO17')).found).toMatchObject({ by: 'gpiod', offset: 17 });
  expect((await finder.list()).map(({ chip }) => chip)).toEqual(['gpiochip0']);
});
