import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { GpioInputSettings } from '../../../drivers/driver.ts';
import type { Clock } from '../../../runtime/clock.ts';
import { EdgeListener } from './edge-listener.ts';
import { lineError, lostError } from './errors.ts';
import type { GpiodLine } from './found-line.ts';
import type { InputPlace, OpenInput } from './gpio-input.ts';
import { dialectOf } from './gpiod-dialect.ts';
import { toolPath } from './gpiod-lines.ts';
import { cut, dismiss, tether } from './tether.ts';

/** Between two looks whether gpiomon has the line: it says nothing about that itself. */
const LOOK_MS = 20;
/** A gpiomon that has not taken the line by then does not work. */
const TAKE_MS = 15_000;

/** Opens a line by a gpiomon of its own. Throws `PORT_ABSENT`, `PORT_BUSY`, `PORT_PERMISSION`, `PORT_LOST`. */
export async function openGpiodInput(
  settings: GpioInputSettings,
  found: GpiodLine,
  place: InputPlace,
  signal: AbortSignal,
): Promise<OpenInput> {
  const listening = new GpiodListening(settings, found, place);
  try {
    await listening.taken(signal);
    return { listener: listening.listener, close: () => listening.close() };
  } catch (error) {
    await listening.close();
    throw error;
  }
}

class GpiodListening {
  readonly listener: EdgeListener;
  readonly #settings: GpioInputSettings;
  readonly #place: InputPlace;
  readonly #child: ChildProcess;
  readonly #ended: Promise<void>;
  #said = '';
  #hasEnded = false;

  constructor(settings: GpioInputSettings, found: GpiodLine, place: InputPlace) {
    this.#settings = settings;
    this.#place = place;
    this.listener = new EdgeListener(settings, place.clock, place.log);
    const dialect = dialectOf(found.version);
    const gpiomon = toolPath(found.folder, 'gpiomon');
    const child = tether(place.spawn, [gpiomon, ...dialect.monitor(found, settings)], undefined, 'pipe');
    this.#child = child;
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#said += text;
    });
    // Undefined where the system has no descriptor left: the error that is to come says so.
    if (child.stdout) {
      createInterface({ input: child.stdout }).on('line', (text) => {
        const edge = dialect.parseEdge(text);
        if (edge === undefined) return;
        this.listener.take({ level: edge.level, atMs: onClock(place.clock, place.kernelMs(), edge.stampMs) });
      });
    }
    this.#ended = new Promise((resolve) => {
      const end = (error?: Error): void => {
        this.#said += error?.message ?? '';
        this.#hasEnded = true;
        dismiss(child);
        this.listener.end(lostError(settings.line, this.#said));
        resolve();
      };
      child.on('error', end);
      child.on('exit', () => end());
    });
  }

  /** Resolves when gpiomon has the line: edges are told from now on. */
  async taken(signal: AbortSignal): Promise<void> {
    const { line } = this.#settings;
    const { clock, finder } = this.#place;
    const endMs = clock.monotonicMs() + TAKE_MS;
    for (;;) {
      await clock.sleep(LOOK_MS, signal);
      if (this.#hasEnded) throw lineError(line, this.#said, 'PORT_LOST');
      const { usedBy } = await finder.find(line);
      if (usedBy !== undefined && !this.#hasEnded) return;
      if (clock.monotonicMs() > endMs) throw lineError(line, this.#said, 'PORT_LOST');
    }
  }

  async close(): Promise<void> {
    this.listener.end();
    if (!this.#hasEnded) cut(this.#child);
    await this.#ended;
  }
}

/**
 * When an edge came, on our clock: the kernel stamps it in its interrupt, on the same monotonic clock with another origin.
 * Kernels before 5.7 stamp it on the wall clock, far ahead: then it came now.
 */
export function onClock(clock: Clock, kernelMs: number, stampMs: number): number {
  return clock.monotonicMs() - Math.max(0, kernelMs - stampMs);
}
