import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { MooringError } from '../../../runtime/errors.ts';
import { lineError } from './errors.ts';
import type { SysfsLine } from './found-line.ts';
import type { Level } from './guard-words.ts';
import type { LineHolder } from './line-holder.ts';
import { loadOnoff, type OnoffGpio } from './onoff.ts';
import { abandon, cut, type Spawn, will } from './tether.ts';

/** A line of the older interface, which stays as it is when its process ends: a shell waits with the safe level for that. */
export class SysfsHolder implements LineHolder {
  readonly #spawn: Spawn;
  readonly #line: string;
  readonly #found: SysfsLine;
  readonly #safe: Level;
  readonly #onLost: (error: MooringError) => void;
  #gpio: OnoffGpio | undefined;
  #heir: ChildProcess | undefined;

  constructor(spawn: Spawn, line: string, found: SysfsLine, safe: Level, onLost: (error: MooringError) => void) {
    this.#spawn = spawn;
    this.#line = line;
    this.#found = found;
    this.#safe = safe;
    this.#onLost = onLost;
  }

  async take(): Promise<void> {
    const { root, number, onoff } = this.#found;
    const Gpio = await loadOnoff(onoff, this.#line);
    try {
      this.#gpio = new Gpio(number, this.#safe === 1 ? 'high' : 'low');
    } catch (cause) {
      throw lineError(this.#line, (cause as Error).message, 'ACTUATOR_FAILED');
    }
    const value = join(root, `gpio${number}`, 'value');
    const heir = will(this.#spawn, ['sh', '-c', 'echo "$1" >"$2"', 'sh', String(this.#safe), value]);
    heir.on('error', (cause) => {
      this.#lose(new MooringError('ACTUATOR_FAILED', 'no shell starts', { cause, context: { line: this.#line } }));
    });
    this.#heir = heir;
  }

  set(level: Level): void {
    try {
      this.#gpio?.writeSync(level);
    } catch (cause) {
      this.#lose(lineError(this.#line, (cause as Error).message, 'ACTUATOR_FAILED'));
    }
  }

  release(): Promise<void> {
    this.#giveBack();
    return Promise.resolve();
  }

  #lose(error: MooringError): void {
    if (this.#gpio === undefined) return;
    this.#giveBack();
    this.#onLost(error);
  }

  #giveBack(): void {
    const gpio = this.#gpio;
    const heir = this.#heir;
    this.#gpio = undefined;
    this.#heir = undefined;
    try {
      gpio?.writeSync(this.#safe);
      if (heir !== undefined) cut(heir);
      gpio?.unexport();
    } catch {
      // A line whose chip is gone: it was told of, or nobody asks any more. The shell tries once more.
      if (heir !== undefined) abandon(heir);
    }
  }
}
