import type { Clock } from '../../runtime/clock.ts';

/** A chip that is warmer than the air: a heater warms it and it cools down, both as an exponential of one time constant. */
export class Warmth {
  readonly #clock: Clock;
  readonly #timeConstantMs: number;
  #fromMs = 0;
  #from = 0;
  #towards = 0;
  #untilMs = Infinity;

  constructor(clock: Clock, timeConstantMs: number) {
    this.#clock = clock;
    this.#timeConstantMs = timeConstantMs;
  }

  /** How much warmer it is now, in K. */
  get excess(): number {
    const nowMs = this.#clock.monotonicMs();
    const heated = this.#after(this.#from, this.#towards, Math.min(nowMs, this.#untilMs) - this.#fromMs);
    return this.#after(heated, 0, Math.max(0, nowMs - this.#untilMs));
  }

  /** From now on, for a while or for good, it tends to so much more than the air has, in K; 0: it cools down. */
  tend(towards: number, durationMs: number = Infinity): void {
    this.#from = this.excess;
    this.#fromMs = this.#clock.monotonicMs();
    this.#untilMs = this.#fromMs + durationMs;
    this.#towards = towards;
  }

  #after(from: number, towards: number, passedMs: number): number {
    return towards + (from - towards) * Math.exp(-passedMs / this.#timeConstantMs);
  }
}

/** Relative humidity in % of the same air at another temperature in °C. Magnus' formula over water (WMO-No. 8, annex 4.B). */
export function humidityAt(temperature: number, humidity: number, airTemperature: number): number {
  return (humidity * saturation(airTemperature)) / saturation(temperature);
}

function saturation(temperature: number): number {
  return 6.112 * Math.exp((17.62 * temperature) / (243.12 + temperature));
}
