import type { GpioEdge, GpioInput, GpioInputSettings } from '../../../drivers/driver.ts';
import type { Clock } from '../../../runtime/clock.ts';
import type { Log } from '../../../runtime/log.ts';
import type { EdgeListener } from './edge-listener.ts';
import { busyError } from './errors.ts';
import { openGpiodInput } from './gpiod-input.ts';
import type { LineFinder } from './line-finder.ts';
import { openSysfsInput } from './sysfs-input.ts';
import type { Spawn } from './tether.ts';

export interface InputPlace {
  readonly clock: Clock;
  readonly log: Log;
  readonly spawn: Spawn;
  readonly finder: LineFinder;
  /** The kernel's monotonic clock, on which it stamps edges, in milliseconds. */
  readonly kernelMs: () => number;
}

/** One opening of a line. */
export interface OpenInput {
  readonly listener: EdgeListener;
  /** Gives the line back. Never rejects. */
  readonly close: () => Promise<void>;
}

/** An input line, found anew at every opening. */
export class LineInput implements GpioInput {
  readonly #settings: GpioInputSettings;
  readonly #place: InputPlace;
  #open: OpenInput | undefined;

  constructor(settings: GpioInputSettings, place: InputPlace) {
    this.#settings = settings;
    this.#place = place;
  }

  async open(signal: AbortSignal): Promise<void> {
    await this.close();
    signal.throwIfAborted();
    const { line } = this.#settings;
    const { found, usedBy } = await this.#place.finder.find(line);
    if (usedBy !== undefined) throw busyError(line, usedBy);
    signal.throwIfAborted();
    this.#open =
      found.by === 'gpiod'
        ? await openGpiodInput(this.#settings, found, this.#place, signal)
        : await openSysfsInput(this.#settings, found, this.#place);
  }

  /** See `GpioInput`. A line that is not open has no edges. */
  async *edges(signal: AbortSignal): AsyncGenerator<GpioEdge> {
    if (this.#open !== undefined) yield* this.#open.listener.read(signal);
  }

  async close(): Promise<void> {
    const open = this.#open;
    this.#open = undefined;
    await open?.close();
  }
}
