import type { Flag, MetricValue } from '../../protocol/record.ts';
import type { Calibration } from '../quality/types.ts';

/** By metric: what has made its value; undefined: nothing has, as none held at that time. */
export type CalibrationsUsed = Readonly<Record<string, Calibration | undefined>>;

/** The part of a record that one sensor gives. */
export interface Share {
  readonly metrics: Readonly<Record<string, MetricValue>>;
  /** Metrics that get flag 9. */
  readonly missing: readonly string[];
  /** Flags of the values, where they are not 1 (pass). */
  readonly flags?: Readonly<Record<string, Flag>>;
  /** Of the values whose metric has calibrations. */
  readonly calibrations?: CalibrationsUsed;
}

/**
 * What a sensor that speaks by itself has said since the last tick. Each value is taken once, the newest if there are
 * several. A metric that came in this run and has been silent for longer than `staleMs` is missing; so is one that the
 * device has just announced and could not give. One that never came is neither.
 */
export class PushedValues {
  readonly #staleMs: number;
  readonly #heardMs = new Map<string, number>();
  #newest: Record<string, MetricValue> = {};
  #flags: Record<string, Flag> = {};
  #calibrations: Record<string, Calibration | undefined> = {};
  #missing = new Set<string>();

  constructor(staleMs: number) {
    this.#staleMs = staleMs;
  }

  add({ metrics, missing, flags = {}, calibrations = {} }: Share, nowMs: number): void {
    for (const [name, value] of Object.entries(metrics)) {
      this.#newest[name] = value;
      // The flag goes with its value: one that came before it says nothing of the new one.
      delete this.#flags[name];
      if (flags[name] !== undefined) this.#flags[name] = flags[name];
      this.#heardMs.set(name, nowMs);
    }
    Object.assign(this.#calibrations, calibrations);
    for (const name of missing) this.#missing.add(name);
  }

  /** What belongs to the tick that is run at `nowMs` (monotonic). */
  take(nowMs: number): Share {
    const metrics = this.#newest;
    const flags = this.#flags;
    const calibrations = this.#calibrations;
    const missing = this.#missing;
    this.#newest = {};
    this.#flags = {};
    this.#calibrations = {};
    this.#missing = new Set();
    for (const [name, heardMs] of this.#heardMs) if (nowMs - heardMs > this.#staleMs) missing.add(name);
    const silent = [...missing].filter((name) => !Object.hasOwn(metrics, name));
    return { metrics, missing: silent, ...flagged(flags), ...used(calibrations) };
  }
}

function flagged(flags: Readonly<Record<string, Flag>>): Pick<Share, 'flags'> {
  return Object.keys(flags).length === 0 ? {} : { flags };
}

/** Left out where there is none, as flags are. */
export function used(calibrations: CalibrationsUsed): Pick<Share, 'calibrations'> {
  return Object.keys(calibrations).length === 0 ? {} : { calibrations };
}
