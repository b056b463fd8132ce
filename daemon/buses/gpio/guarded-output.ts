import type { Clock } from '../../../runtime/clock.ts';
import { MooringError } from '../../../runtime/errors.ts';
import type { ActuatorOutput, ActuatorOutputSettings, ActuatorPattern } from '../../alarms/types.ts';
import { busyError } from './errors.ts';
import type { GuardLink } from './guard-link.ts';
import type { Level } from './guard-words.ts';
import type { LineFinder } from './line-finder.ts';

/** What is played, and since when. */
interface Playing {
  readonly pattern: ActuatorPattern;
  readonly sinceMs: number;
  readonly limitMs: number | undefined;
}

/** An output line, in the hands of the guard. */
export class GuardedOutput implements ActuatorOutput {
  readonly #settings: ActuatorOutputSettings;
  readonly #clock: Clock;
  readonly #finder: LineFinder;
  readonly #guard: GuardLink;
  #id: number | undefined;
  #playing: Playing | undefined;

  constructor(settings: ActuatorOutputSettings, clock: Clock, finder: LineFinder, guard: GuardLink) {
    this.#settings = settings;
    this.#clock = clock;
    this.#finder = finder;
    this.#guard = guard;
  }

  async open(signal: AbortSignal): Promise<void> {
    await this.close();
    signal.throwIfAborted();
    const { line, active, safe, onFailure } = this.#settings;
    const { found, usedBy } = await this.#finder.find(line);
    if (usedBy !== undefined) throw busyError(line, usedBy);
    signal.throwIfAborted();
    const on: Level = active === 'high' ? 1 : 0;
    const off: Level = on === 1 ? 0 : 1;
    let lost: MooringError | undefined;
    const listener = {
      onLost: (error: MooringError): void => {
        lost = error;
        if (this.#id === undefined) return;
        this.#forget();
        onFailure(error);
      },
      onRested: () => this.#playOn(),
    };
    const id = await this.#guard.open(line, found, { on, safe: safe === 'on' ? on : off }, listener);
    if (lost !== undefined) throw lost;
    if (signal.aborted) {
      await this.#guard.closeLine(id);
      signal.throwIfAborted();
    }
    this.#id = id;
  }

  play(pattern: ActuatorPattern, limitMs: number | undefined): void {
    if (this.#id === undefined) {
      const context = { line: this.#settings.line };
      this.#settings.onFailure(new MooringError('ACTUATOR_FAILED', 'the output line is not open', { context }));
      return;
    }
    this.#playing = { pattern, sinceMs: this.#clock.monotonicMs(), limitMs };
    this.#say(this.#id, pattern, limitMs);
  }

  rest(): void {
    this.#playing = undefined;
    if (this.#id !== undefined) this.#guard.say({ word: 'rest', id: this.#id });
  }

  async close(): Promise<void> {
    const id = this.#id;
    this.#forget();
    if (id !== undefined) await this.#guard.closeLine(id);
  }

  #forget(): void {
    this.#id = undefined;
    this.#playing = undefined;
  }

  /** This process stood still, and the guard has put the line at rest: what was played goes on for what is left of its time. */
  #playOn(): void {
    if (this.#playing === undefined || this.#id === undefined) return;
    const { pattern, sinceMs, limitMs } = this.#playing;
    const leftMs = limitMs === undefined ? undefined : limitMs - (this.#clock.monotonicMs() - sinceMs);
    if (leftMs === undefined || leftMs > 0) this.#say(this.#id, pattern, leftMs);
  }

  #say(id: number, pattern: ActuatorPattern, limitMs: number | undefined): void {
    this.#guard.say({ word: 'play', id, pattern, ...(limitMs === undefined ? {} : { limitMs }) });
  }
}
