import { readdir, realpath } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { type GpioLineName, parseLine } from '../../../drivers/gpio-line.ts';
import type { Clock } from '../../../runtime/clock.ts';
import { absentError, ambiguousError, lineError } from './errors.ts';
import type { GpioChip, GpiodLine } from './found-line.ts';
import { type ChipInfo, type GpiodDialect, type LineInfo, parseChips, parseInfos } from './gpiod-dialect.ts';
import { type ProgramEnd, runProgram } from './run-program.ts';
import type { Spawn } from './tether.ts';

export interface GpiodPlace {
  readonly spawn: Spawn;
  readonly clock: Clock;
  /** `/dev` */
  readonly dev: string;
  /** Where the tools are; left out: where `PATH` says. */
  readonly toolsFolder?: string;
}

/** Character devices of GPIO chips. */
export async function chipDevices(dev: string): Promise<string[]> {
  const names = await readdir(dev).catch((): string[] => []);
  return names.filter((name) => /^gpiochip\d+$/.test(name));
}

/** What a tool of libgpiod prints. Rejects with ENOENT where it is not installed. */
export function runTool(place: GpiodPlace, tool: string, ...args: readonly string[]): Promise<ProgramEnd> {
  return runProgram(place.spawn, place.clock, [toolPath(place.toolsFolder, tool), ...args]);
}

export function toolPath(folder: string | undefined, tool: string): string {
  return folder === undefined ? tool : join(folder, tool);
}

/** Lines of the character devices, looked for anew each time: numbers of chips change from start to start. */
export class GpiodLines {
  readonly #place: GpiodPlace;
  readonly #dialect: GpiodDialect;

  constructor(place: GpiodPlace, dialect: GpiodDialect) {
    this.#place = place;
    this.#dialect = dialect;
  }

  /** Throws `PORT_ABSENT`, `PORT_PERMISSION`. `usedBy`: somebody has it. */
  async find(line: string): Promise<{ readonly found: GpiodLine; readonly usedBy?: string }> {
    const name = parseLine(line);
    if (name === undefined) throw absentError(line, 'it is a number, or the path of a device');
    const { chips, infos } = await this.#look(line);
    const matches = infos.filter((info) => isMeant(name, info, chips));
    const [info, ...others] = matches;
    if (info === undefined) throw absentError(line, nearby(name, chips));
    if (others.length > 0)
      throw ambiguousError(
        line,
        matches.map(({ chip, offset }) => `${chip} ${offset}`),
      );
    const { toolsFolder: folder } = this.#place;
    const { chip, offset, usedBy } = info;
    const found = {
      by: 'gpiod',
      version: this.#dialect.version,
      ...(folder === undefined ? {} : { folder }),
      chip,
      offset,
    } as const;
    return { found, ...(usedBy === undefined ? {} : { usedBy }) };
  }

  async list(): Promise<GpioChip[]> {
    const { chips, infos } = await this.#look('');
    return chips.map(({ chip, label }) => ({
      chip,
      label,
      lines: infos.filter((info) => info.chip === chip).map(({ chip: _, ...rest }) => rest),
    }));
  }

  async #look(line: string): Promise<{ readonly chips: readonly ChipInfo[]; readonly infos: readonly LineInfo[] }> {
    const [detect, info] = await Promise.all([runTool(this.#place, 'gpiodetect'), runTool(this.#place, 'gpioinfo')]);
    const chips = await this.#once(parseChips(detect.stdout));
    const names = new Set(chips.map(({ chip }) => chip));
    const infos = parseInfos(this.#dialect, info.stdout).filter(({ chip }) => names.has(chip));
    // Version 2 tells of the chips that it may open and fails for the others: those that it tells will do.
    if (infos.length === 0) throw lineError(line, `${detect.stderr}${info.stderr}`, 'PORT_ABSENT');
    return { chips, infos: unique(infos) };
  }

  /** A chip may have a second name that points to its first, as gpiochip4 of a Raspberry Pi 5 does. */
  async #once(chips: readonly ChipInfo[]): Promise<ChipInfo[]> {
    const found = new Map<string, ChipInfo>();
    for (const { chip, label } of chips) {
      const path = await realpath(join(this.#place.dev, chip)).catch(() => chip);
      const name = basename(path);
      if (!found.has(name)) found.set(name, { chip: name, label });
    }
    return [...found.values()].sort((a, b) => numberOf(a.chip) - numberOf(b.chip));
  }
}

function unique(infos: readonly LineInfo[]): LineInfo[] {
  return [...new Map(infos.map((info) => [`${info.chip} ${info.offset}`, info])).values()];
}

function isMeant(name: GpioLineName, info: LineInfo, chips: readonly ChipInfo[]): boolean {
  if (name.kind === 'name') return info.name === name.name;
  return info.offset === name.offset && chips.some(({ chip, label }) => chip === info.chip && label === name.label);
}

function nearby(name: GpioLineName, chips: readonly ChipInfo[]): string {
  const labels = [...new Set(chips.map(({ label }) => label))].join(', ');
  if (name.kind === 'name') return `no line of the chips ${labels} has this name`;
  return chips.some(({ label }) => label === name.label)
    ? `the chip has no line ${name.offset}`
    : `the chips are ${labels}`;
}

function numberOf(chip: string): number {
  return Number(chip.replace(/\D/g, ''));
}
