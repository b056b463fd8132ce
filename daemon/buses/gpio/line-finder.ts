import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { MooringError } from '../../../runtime/errors.ts';
import type { Log } from '../../../runtime/log.ts';
import type { FoundLine, GpioChip } from './found-line.ts';
import { dialectFor } from './gpiod-dialect.ts';
import { chipDevices, GpiodLines, type GpiodPlace, runTool } from './gpiod-lines.ts';
import { SysfsLines } from './sysfs-lines.ts';

export interface FinderPlace extends GpiodPlace {
  readonly log: Log;
  /** `/sys` */
  readonly sys: string;
  /** What to import for `onoff`. */
  readonly onoff: string;
}

/** One of the two ways to lines. */
interface Lines {
  find(line: string): Promise<{ readonly found: FoundLine; readonly usedBy?: string }>;
  list(): Promise<GpioChip[]>;
}

/** Finds lines by name, through libgpiod's tools where they and a character device are, else through the older interface. */
export class LineFinder {
  readonly #place: FinderPlace;
  /** Kept only where the tools are: one that did not answer once, on a machine that was just starting, answers the next time. */
  #gpiod: GpiodLines | undefined;
  #hasSaidOlder = false;

  constructor(place: FinderPlace) {
    this.#place = place;
  }

  /** Throws `PORT_ABSENT`, `PORT_PERMISSION`. */
  async find(line: string): Promise<{ readonly found: FoundLine; readonly usedBy?: string }> {
    const lines = await this.#choose();
    return await lines.find(line);
  }

  /** Every chip with its lines. Throws `PORT_ABSENT`, `PORT_PERMISSION`. */
  async list(): Promise<GpioChip[]> {
    const lines = await this.#choose();
    return await lines.list();
  }

  async #choose(): Promise<Lines> {
    if (this.#gpiod !== undefined) return this.#gpiod;
    const { log, sys } = this.#place;
    const devices = await chipDevices(this.#place.dev);
    const said = devices.length === 0 ? '' : await this.#version();
    const dialect = dialectFor(said);
    if (dialect !== undefined) {
      this.#gpiod = new GpiodLines(this.#place, dialect);
      return this.#gpiod;
    }
    const root = join(sys, 'class/gpio');
    const hasSysfs = await access(join(root, 'export')).then(
      () => true,
      () => false,
    );
    if (!hasSysfs) throw noWayError(devices.length > 0, said);
    if (!this.#hasSaidOlder) {
      this.#hasSaidOlder = true;
      log.warn(
        { folder: root, hint: TOOLS_HINT },
        'GPIO goes through the older interface of the kernel, which newer kernels do not have',
      );
    }
    return new SysfsLines(root, this.#place.onoff);
  }

  /** What the tools say of their version; empty where there are none. */
  async #version(): Promise<string> {
    try {
      return (await runTool(this.#place, 'gpiodetect', '--version')).stdout;
    } catch {
      return '';
    }
  }
}

const TOOLS_HINT = "Install libgpiod's tools: `sudo apt install gpiod`.";

function noWayError(hasDevice: boolean, said: string): MooringError {
  if (!hasDevice) {
    return new MooringError('PORT_ABSENT', 'this machine has no GPIO', {
      hint: 'There is no /dev/gpiochip*. In a container, hand the device in (`--device /dev/gpiochip0`).',
    });
  }
  const version = said.split('\n')[0];
  return new MooringError('PORT_ABSENT', 'there is no tool to use GPIO lines with', {
    ...(version === '' ? {} : { context: { version } }),
    hint: `${TOOLS_HINT} Versions 1 and 2 will do.`,
  });
}
