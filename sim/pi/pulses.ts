import type { Clock } from '../../runtime/clock.ts';
import type { SimulatedLine } from './gpio.ts';

const STEP_MS = 50;

/** A contact that closes as fast as something turns or tips: a pulse whenever the rate has come to a whole number of them. */
export class PulseTrain {
  readonly #line: SimulatedLine;
  readonly #clock: Clock;
  readonly #rateHz: (monotonicMs: number) => number;
  #phase: number;
  #atMs = 0;
  #cancel: (() => void) | undefined;

  /** @param phase how far it is from one pulse to the next at the start, 0 to 1 */
  constructor(line: SimulatedLine, clock: Clock, rateHz: (monotonicMs: number) => number, phase: number = 0) {
    this.#line = line;
    this.#clock = clock;
    this.#rateHz = rateHz;
    this.#phase = phase;
  }

  start(): void {
    this.#atMs = this.#clock.monotonicMs();
    this.#arm();
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  #arm(): void {
    this.#cancel = this.#clock.after(STEP_MS, () => {
      this.#arm();
      this.#advance(this.#clock.monotonicMs());
    });
  }

  /** Pulses since the last step stand where the phase passed them: the kernel stamps an edge when it comes. */
  #advance(nowMs: number): void {
    while (this.#atMs < nowMs) {
      const stepMs = Math.min(STEP_MS, nowMs - this.#atMs);
      const perMs = this.#rateHz(this.#atMs + stepMs / 2) / 1000;
      const phase = this.#phase + perMs * stepMs;
      for (let next = 1; next <= phase; next += 1) this.#line.pulse(this.#atMs + (next - this.#phase) / perMs);
      this.#phase = phase % 1;
      this.#atMs += stepMs;
    }
  }
}
