import type { Clock } from '../../runtime/clock.ts';
import type { MooringError } from '../../runtime/errors.ts';
import type { Random } from '../../runtime/random.ts';
import { LineSupervisor } from './line-supervisor.ts';
import { type ActuatorSettings, ALARM_LEVELS, type AlarmLevel } from './settings.ts';
import type { ActuatorOutput, ActuatorOutputSettings, ActuatorPattern } from './types.ts';

export interface ActuatorOptions {
  readonly settings: ActuatorSettings;
  readonly clock: Clock;
  readonly random: Random;
  readonly output: (settings: ActuatorOutputSettings) => ActuatorOutput;
  /** Once when it has failed, with why; once when it is well again, without. */
  readonly onChange: (error: MooringError | undefined) => void;
}

export interface ActuatorStatus {
  readonly actuator: string;
  /** `limited`: an alarm wants it, and it has played for as long as it may. */
  readonly state: 'rests' | 'plays' | 'limited' | 'failed';
  readonly reason?: string;
}

/**
 * One buzzer, lamp or siren for all the alarms that want it. Plays the pattern of the most urgent of them; each that
 * begins to want it starts its time anew; rests when none wants it any more.
 */
export class Actuator {
  readonly #options: ActuatorOptions;
  readonly #output: ActuatorOutput;
  readonly #supervisor: LineSupervisor;
  readonly #wishes = new Map<object, AlarmLevel>();
  #playing: ActuatorPattern | undefined;
  /** When it has played for long enough, on the monotonic clock. */
  #untilMs = Infinity;
  #onLost: ((error: Error) => void) | undefined;

  constructor(options: ActuatorOptions) {
    const { name: _, patterns: __, limitMs: ___, ...line } = options.settings;
    this.#options = options;
    this.#output = options.output({ ...line, onFailure: (error) => this.#onLost?.(error) });
    const { clock, random, onChange } = options;
    this.#supervisor = new LineSupervisor({
      clock,
      random,
      open: async (signal) => await this.#output.open(signal),
      serve: async (signal) => await this.#serve(signal),
      close: async () => await this.#output.close(),
      onChange,
    });
  }

  /** Resolves when the first attempt to open it has ended, either way. */
  async start(): Promise<void> {
    await this.#supervisor.start();
  }

  /** At its safe level, and given back. */
  async stop(): Promise<void> {
    await this.#supervisor.stop();
  }

  /** Plays, for `who` too. Returns when the words are on their way; where the line is not open it plays as soon as it is. */
  want(who: object, level: AlarmLevel): void {
    this.#wishes.set(who, level);
    this.#untilMs = this.#options.clock.monotonicMs() + (this.#options.settings.limitMs ?? Infinity);
    this.#play();
  }

  /** Not for `who` any more. */
  release(who: object): void {
    if (!this.#wishes.delete(who)) return;
    if (this.#wishes.size === 0) {
      this.#playing = undefined;
      if (this.#supervisor.isOpen) this.#output.rest();
    } else if (this.#pattern() !== this.#playing) {
      this.#play();
    }
  }

  status(): ActuatorStatus {
    const { name } = this.#options.settings;
    const { failure } = this.#supervisor;
    if (failure !== undefined) return { actuator: name, state: 'failed', reason: failure.message };
    if (this.#wishes.size === 0) return { actuator: name, state: 'rests' };
    return { actuator: name, state: this.#options.clock.monotonicMs() < this.#untilMs ? 'plays' : 'limited' };
  }

  async #serve(signal: AbortSignal): Promise<void> {
    const lost = new Promise<void>((resolve, reject) => {
      this.#onLost = reject;
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
    if (this.#wishes.size > 0) this.#play();
    await lost.finally(() => {
      this.#onLost = undefined;
    });
  }

  /** For what is left of its time. */
  #play(): void {
    const leftMs = this.#untilMs - this.#options.clock.monotonicMs();
    this.#playing = this.#pattern();
    if (!this.#supervisor.isOpen || leftMs <= 0) return;
    this.#output.play(this.#playing, leftMs === Infinity ? undefined : leftMs);
  }

  #pattern(): ActuatorPattern {
    const wished = [...this.#wishes.values()];
    const level = ALARM_LEVELS.findLast((each) => wished.includes(each)) ?? 'info';
    return this.#options.settings.patterns[level];
  }
}
