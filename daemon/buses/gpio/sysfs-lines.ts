import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseLine } from '../../../drivers/gpio-line.ts';
import { MooringError } from '../../../runtime/errors.ts';
import { absentError, ambiguousError } from './errors.ts';
import type { GpioChip, SysfsLine } from './found-line.ts';

/** A chip of the older interface. Its lines have numbers from `base` on, which is 0, 399, 512, … from kernel to kernel. */
interface SysfsChip {
  readonly chip: string;
  readonly label: string;
  readonly base: number;
  readonly lines: number;
}

/** `GPIO17` is offset 17 of the chip with the header of a Raspberry Pi; this interface knows no names of lines. */
const HEADER_NAME = /^GPIO(\d{1,2})$/;
const HEADER_LABEL = /^pinctrl-(?:bcm|rp1)/;

/** Lines of the kernel's older interface, in /sys/class/gpio, whose numbers are another's on each kernel. */
export class SysfsLines {
  readonly #root: string;
  readonly #onoff: string;

  /** @param root `/sys/class/gpio` @param onoff what to import for `onoff` */
  constructor(root: string, onoff: string) {
    this.#root = root;
    this.#onoff = onoff;
  }

  /** Throws `PORT_ABSENT`. */
  async find(line: string): Promise<{ readonly found: SysfsLine }> {
    const name = parseLine(line);
    const chips = await this.#chips();
    const labels = chips.map(({ label }) => label).join(', ');
    if (name === undefined) throw absentError(line, 'it is a number, or the path of a device');
    const header = name.kind === 'name' ? HEADER_NAME.exec(name.name)?.[1] : undefined;
    if (name.kind === 'name' && header === undefined) {
      throw absentError(
        line,
        `without libgpiod only GPIO0, GPIO1, … have names; write the label of a chip (${labels}) and the offset`,
      );
    }
    const matches = chips.filter(({ label }) =>
      name.kind === 'name' ? HEADER_LABEL.test(label) : label === name.label,
    );
    const [chip, ...others] = matches;
    const offset = name.kind === 'name' ? Number(header) : name.offset;
    if (chip === undefined) throw absentError(line, `the chips are ${labels}`);
    if (others.length > 0)
      throw ambiguousError(
        line,
        matches.map(({ label, base }) => `${label} at ${base}`),
      );
    if (offset >= chip.lines) throw absentError(line, `the chip has no line ${offset}`);
    return { found: { by: 'sysfs', root: this.#root, number: chip.base + offset, onoff: this.#onoff } };
  }

  async list(): Promise<GpioChip[]> {
    const chips = await this.#chips();
    return chips.map(({ chip, label, lines }) => ({
      chip,
      label,
      lines: Array.from({ length: lines }, (_, offset) => ({
        offset,
        ...(HEADER_LABEL.test(label) ? { name: `GPIO${offset}` } : {}),
      })),
    }));
  }

  async #chips(): Promise<SysfsChip[]> {
    const names = (await readdir(this.#root)).filter((name) => /^gpiochip\d+$/.test(name));
    const chips = await Promise.all(names.map((name) => this.#chip(name)));
    if (chips.length === 0) {
      throw new MooringError('PORT_ABSENT', 'this machine has no GPIO chip', { context: { folder: this.#root } });
    }
    return chips.sort((a, b) => a.base - b.base);
  }

  async #chip(chip: string): Promise<SysfsChip> {
    const [label, base, lines] = await Promise.all(
      ['label', 'base', 'ngpio'].map(async (file) => (await readFile(join(this.#root, chip, file), 'utf8')).trim()),
    );
    return { chip, label: label ?? '', base: Number(base), lines: Number(lines) };
  }
}
