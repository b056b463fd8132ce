import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const FIXTURES = new URL('fixtures/gpiod/', import.meta.url).pathname;
const TOOLS = ['gpiodetect', 'gpioinfo', 'gpioset', 'gpiomon'];

export type GpiodVersion = '1.6.3' | '2.2.1';

/** A machine with stand-ins for libgpiod's tools: see test/fixtures/gpiod/README.md. */
export class GpiodStage {
  readonly folder = mkdtempSync(join(tmpdir(), 'mooring-gpio-'));
  readonly dev = join(this.folder, 'dev');
  readonly sys = join(this.folder, 'sys');
  readonly toolsFolder = join(this.folder, 'bin');
  readonly #state = join(this.folder, 'state');
  readonly #chip: string;

  /** @param chip the number of the chip that has the lines of a Raspberry Pi */
  constructor(version: GpiodVersion, chip: 0 | 4 | 11) {
    this.#chip = `gpiochip${chip}`;
    for (const folder of [this.dev, this.sys, this.toolsFolder, this.#state]) mkdirSync(folder);
    writeFileSync(join(this.#state, 'chip'), String(chip));
    for (let number = 0; number <= chip; number += 1) writeFileSync(join(this.dev, `gpiochip${number}`), '');
    for (const tool of TOOLS) {
      const path = join(this.toolsFolder, tool);
      writeFileSync(path, `#!/bin/sh\nGPIOD_FAKE='${this.#state}' exec '${FIXTURES}${version}/${tool}' "$@"\n`);
      chmodSync(path, 0o755);
    }
  }

  /** Levels that a line was driven to, in order; one that it had already is none. */
  levels(offset: number): number[] {
    return this.#lines('levels')
      .map((line) => line.split(' '))
      .filter(([chip, at]) => chip === this.#chip && at === String(offset))
      .map(([, , level]) => Number(level))
      .filter((level, index, all) => level !== all[index - 1]);
  }

  /** Whether a process has the line. */
  isHeld(offset: number): boolean {
    return this.holders(offset).length > 0;
  }

  /** Who has the line: those who have its lock open. */
  holders(offset: number): number[] {
    const lock = this.#of(offset, 'lock');
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .filter((pid) => openFiles(pid).includes(lock))
      .map(Number);
  }

  /** How the tools that take lines were called. */
  get calls(): string[] {
    return this.#lines('calls');
  }

  /** Nobody may use the lines. */
  deny(): void {
    writeFileSync(join(this.#state, 'denied'), '');
  }

  /** gpiomon prints this. */
  edge(offset: number, ...texts: readonly string[]): void {
    appendFileSync(this.#of(offset, 'edges'), texts.map((text) => `${text}\n`).join(''));
  }

  /** The process id of the gpiomon that has the line. */
  monitor(offset: number): number {
    return Number(readFileSync(this.#of(offset, 'pid'), 'utf8'));
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  #of(offset: number, what: string): string {
    return join(this.#state, `${this.#chip}.${offset}.${what}`);
  }

  #lines(file: string): string[] {
    const path = join(this.#state, file);
    return existsSync(path) ? readFileSync(path, 'utf8').trimEnd().split('\n') : [];
  }
}

/** Files that a process has open; none where it is gone. */
function openFiles(pid: string): string[] {
  const folder = `/proc/${pid}/fd`;
  try {
    return readdirSync(folder).map((number) => readlinkSync(join(folder, number)));
  } catch {
    return [];
  }
}

/** A machine with the kernel's older GPIO interface and nothing else: a chip of a Raspberry Pi, and one before it. */
export interface SysfsStage extends Disposable {
  /** `/sys/class/gpio` */
  readonly root: string;
  /** Numbers of the lines that are exported. */
  exported(): number[];
  /** The line is another driver's. */
  take(number: number): void;
  /** For `gpioOf`. */
  readonly places: { readonly dev: string; readonly sys: string; readonly toolsFolder: string; readonly onoff: string };
}

/** @param base of the chip that has the lines of a Raspberry Pi */
export function sysfsStage(base: number): SysfsStage {
  const folder = mkdtempSync(join(tmpdir(), 'mooring-gpio-'));
  const sys = join(folder, 'sys');
  const root = join(sys, 'class/gpio');
  mkdirSync(root, { recursive: true });
  writeFileSync(join(root, 'export'), '');
  const chips = [
    { label: 'pinctrl-bcm2711', at: base, lines: 58 },
    { label: 'raspberrypi-exp-gpio', at: base + 58, lines: 8 },
  ];
  for (const { label, at, lines } of chips) {
    const chip = join(root, `gpiochip${at}`);
    mkdirSync(chip);
    writeFileSync(join(chip, 'label'), `${label}\n`);
    writeFileSync(join(chip, 'base'), `${at}\n`);
    writeFileSync(join(chip, 'ngpio'), `${lines}\n`);
  }
  const onoff = join(folder, 'onoff.mjs');
  const fake = new URL('fake-onoff.ts', import.meta.url).href;
  const script = `import { fakeOnoff } from '${fake}';
export const { Gpio, tell } = fakeOnoff('${root}');
`;
  writeFileSync(onoff, script);
  const places = { dev: join(folder, 'dev'), sys, toolsFolder: join(folder, 'bin'), onoff };
  const exported = (): number[] =>
    readdirSync(root).flatMap((name) => (/^gpio\d+$/.test(name) ? [Number(name.slice('gpio'.length))] : []));
  const take = (number: number): void => writeFileSync(join(root, `taken${number}`), '');
  return { root, places, exported, take, [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }) };
}
