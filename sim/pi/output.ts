import type { ActuatorOutput, ActuatorOutputSettings, ActuatorPattern } from '../../daemon/alarms/types.ts';
import type { Clock } from '../../runtime/clock.ts';
import { MooringError } from '../../runtime/errors.ts';

/** A buzzer or a lamp on a GPIO line, and the helper that plays its patterns. */
export class SimulatedActuator {
  readonly line: string;
  readonly #clock: Clock;
  #playing: { readonly pattern: ActuatorPattern; readonly sinceMs: number; readonly limitMs: number } | undefined;
  #settings: ActuatorOutputSettings | undefined;
  #isAbsent = false;
  /** Patterns that it was told to play so far. */
  played = 0;

  constructor(line: string, clock: Clock) {
    this.line = line;
    this.#clock = clock;
  }

  /** Whether it sounds or shines now. */
  get isOn(): boolean {
    const isSafelyOn = this.#settings?.safe === 'on';
    if (this.#playing === undefined) return isSafelyOn;
    const { pattern, sinceMs, limitMs } = this.#playing;
    const elapsedMs = this.#clock.monotonicMs() - sinceMs;
    if (elapsedMs >= limitMs) return isSafelyOn;
    const periodMs = pattern.reduce((sum, part) => sum + part, 0);
    if (periodMs === 0) return true;
    let restMs = elapsedMs % periodMs;
    const index = pattern.findIndex((part) => {
      restMs -= part;
      return restMs < 0;
    });
    return index % 2 === 0;
  }

  /** Its helper and its line are gone, and come back. */
  set isAbsent(isAbsent: boolean) {
    this.#isAbsent = isAbsent;
    const { onFailure } = this.#settings ?? {};
    if (!isAbsent || onFailure === undefined) return;
    this.#playing = undefined;
    this.#settings = undefined;
    onFailure(new MooringError('PORT_LOST', 'the simulated line is gone', { context: { line: this.line } }));
  }

  output(settings: ActuatorOutputSettings): ActuatorOutput {
    return {
      open: async (signal) => {
        await Promise.resolve();
        signal.throwIfAborted();
        const context = { line: this.line };
        if (this.#isAbsent) throw new MooringError('PORT_ABSENT', 'there is no simulated line', { context });
        if (this.#settings !== undefined)
          throw new MooringError('PORT_BUSY', 'the simulated line is taken', { context });
        this.#settings = settings;
      },
      play: (pattern, limitMs = Number.POSITIVE_INFINITY) => {
        if (this.#settings !== settings) return;
        this.played += 1;
        this.#playing = { pattern, sinceMs: this.#clock.monotonicMs(), limitMs };
      },
      rest: () => {
        this.#playing = undefined;
      },
      close: async () => {
        if (this.#settings === settings) {
          this.#settings = undefined;
          this.#playing = undefined;
        }
        await Promise.resolve();
      },
    };
  }
}
