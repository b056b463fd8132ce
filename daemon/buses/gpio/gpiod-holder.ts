import type { ChildProcess } from 'node:child_process';
import type { Clock } from '../../../runtime/clock.ts';
import { MooringError } from '../../../runtime/errors.ts';
import { lineError } from './errors.ts';
import type { GpiodLine } from './found-line.ts';
import { dialectOf, type GpiodDialect } from './gpiod-dialect.ts';
import { toolPath } from './gpiod-lines.ts';
import type { Level } from './guard-words.ts';
import type { LineHolder } from './line-holder.ts';
import { runProgram } from './run-program.ts';
import { abandon, type Command, dismiss, type Spawn, tether } from './tether.ts';

export interface HolderPlace {
  readonly spawn: Spawn;
  readonly clock: Clock;
}

/** A gpioset that holds the line at a level, and its end. */
interface Holding {
  readonly level: Level;
  readonly child: ChildProcess;
  readonly ended: Promise<void>;
  readonly said: () => string;
}

/**
 * A line held by gpioset, which drives it as long as it lives and at one level only: another level is another gpioset. In
 * between nobody has the line for some milliseconds, on its way from one level to the other; a level that it has already is
 * not set again. A line that is given back keeps its level on a Raspberry Pi (`persist_gpio_outputs`), so that being given
 * back does not make it safe: the last words of every gpioset are another one that sets the safe level.
 */
export class GpiodHolder implements LineHolder {
  readonly #place: HolderPlace;
  readonly #line: string;
  readonly #found: GpiodLine;
  readonly #dialect: GpiodDialect;
  readonly #safe: Level;
  readonly #onLost: (error: MooringError) => void;
  #wanted: Level;
  #holding: Holding | undefined;
  #changing: Promise<void> | undefined;
  #isReleased = false;

  constructor(place: HolderPlace, line: string, found: GpiodLine, safe: Level, onLost: (error: MooringError) => void) {
    this.#place = place;
    this.#line = line;
    this.#found = found;
    this.#dialect = dialectOf(found.version);
    this.#safe = safe;
    this.#wanted = safe;
    this.#onLost = onLost;
  }

  async take(): Promise<void> {
    await this.#setSafe();
    this.#holding = this.#hold(this.#safe);
  }

  set(level: Level): void {
    this.#wanted = level;
    if (this.#holding === undefined || this.#isReleased) return;
    this.#changing ??= this.#change().finally(() => {
      this.#changing = undefined;
    });
  }

  async release(): Promise<void> {
    this.#isReleased = true;
    await this.#changing;
    const holding = this.#holding;
    this.#holding = undefined;
    if (holding === undefined) return;
    holding.child.kill('SIGKILL');
    await holding.ended;
    await this.#makeSafe(holding).catch(() => undefined);
  }

  async #change(): Promise<void> {
    while (!this.#isReleased && this.#holding !== undefined && this.#holding.level !== this.#wanted) {
      const before = this.#holding;
      // The line is free once the kernel has seen its holder end; the shell in the holder's shadow waits with its last words
      // until the next holder is there to have some.
      this.#holding = undefined;
      before.child.kill('SIGKILL');
      await before.ended;
      const holding = this.#hold(this.#wanted);
      this.#holding = holding;
      if (holding.child.pid === undefined) abandon(before.child);
      else dismiss(before.child);
    }
  }

  #hold(level: Level): Holding {
    const child = tether(this.#place.spawn, this.#gpioset(this.#dialect.hold(this.#found, level)), this.#lastWords());
    let said = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
    const ended = new Promise<void>((resolve) => {
      child.on('error', (error) => {
        said += error.message;
        resolve();
      });
      child.on('exit', () => resolve());
    });
    const holding: Holding = { level, child, ended, said: () => said };
    void ended.then(() => this.#ended(holding));
    return holding;
  }

  /** One that nobody has ended: killed by somebody, or the line was not to be had. */
  #ended(holding: Holding): void {
    if (this.#holding !== holding) return;
    this.#holding = undefined;
    void this.#makeSafe(holding)
      .then(
        () => lineError(this.#line, holding.said(), 'ACTUATOR_FAILED'),
        (error: MooringError) => error,
      )
      .then((error) => this.#onLost(error));
  }

  /** After the end of its holder. Throws as `take` does. */
  async #makeSafe({ child }: Holding): Promise<void> {
    try {
      await this.#setSafe();
      dismiss(child);
    } catch (error) {
      // Only one that ends by itself has surely driven the line; where it fails, the last words of the other are still to come.
      abandon(child);
      throw error;
    }
  }

  async #setSafe(): Promise<void> {
    const { spawn, clock } = this.#place;
    const end = await runProgram(spawn, clock, this.#lastWords()).catch((cause: Error) => {
      throw new MooringError('ACTUATOR_FAILED', 'gpioset does not start', { cause, context: { line: this.#line } });
    });
    if (!end.ok) throw lineError(this.#line, end.stderr, 'ACTUATOR_FAILED');
  }

  #lastWords(): Command {
    return this.#gpioset(this.#dialect.setOnce(this.#found, this.#safe));
  }

  #gpioset(args: readonly string[]): Command {
    return [toolPath(this.#found.folder, 'gpioset'), ...args];
  }
}
