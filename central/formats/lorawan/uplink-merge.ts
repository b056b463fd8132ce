import type { Clock } from '../../../runtime/clock.ts';
import type { Reading } from '../format.ts';
import { uplinkContentOf } from './lorawan.ts';

export interface UplinkMergeOptions {
  readonly clock: Clock;
  /** Copies of one uplink have event times at most this far apart; `merge_uplinks` of the source. */
  readonly windowMs: number;
  /** Uplinks that are remembered; 100,000 if left out. */
  readonly max?: number | undefined;
}

const UPLINKS_MAX = 100_000;
/** A copy may come this much later than the first, or a window where that is longer: what was refused is sent again. */
const KEPT_MS = 10 * 60_000;

interface First {
  readonly reading: Reading;
  readonly arrivedMs: number;
}

/**
 * Makes one of the copies of an uplink, which a network server posts for each gateway that heard it. A copy is what says
 * the same of the same device (values, frame counter) at a time within the window of the first; it becomes the first, so
 * that it has its id and its answer. Remembered in this copy of the centre only, for ten minutes, and not across a restart.
 */
export class UplinkMerge {
  readonly #clock: Clock;
  readonly #windowMs: number;
  readonly #keptMs: number;
  readonly #max: number;
  /** By device and content, in the order of their arrival. */
  readonly #firsts = new Map<string, readonly First[]>();

  constructor({ clock, windowMs, max = UPLINKS_MAX }: UplinkMergeOptions) {
    this.#clock = clock;
    this.#windowMs = windowMs;
    this.#keptMs = Math.max(KEPT_MS, windowMs);
    this.#max = max;
  }

  /** Kinds of content that are remembered. */
  get size(): number {
    return this.#firsts.size;
  }

  /** The copy of this reading that came first; itself where it is the first. */
  firstOf(reading: Reading): Reading {
    const arrivedMs = this.#clock.monotonicMs();
    this.#forget(arrivedMs);
    const key = `${reading.sourceId} ${uplinkContentOf(reading)}`;
    const alike = (this.#firsts.get(key) ?? []).filter((first) => arrivedMs - first.arrivedMs <= this.#keptMs);
    const first = alike.find((other) => this.#isCopy(other, reading, arrivedMs));
    if (first !== undefined) return first.reading;
    this.#firsts.delete(key);
    this.#firsts.set(key, [...alike, { reading, arrivedMs }]);
    return reading;
  }

  /** By what they say of the time; where one says nothing, by when they came. */
  #isCopy(first: First, reading: Reading, arrivedMs: number): boolean {
    const [oneMs, otherMs] = [first.reading.timestampMs, reading.timestampMs];
    const apartMs = oneMs === undefined || otherMs === undefined ? arrivedMs - first.arrivedMs : otherMs - oneMs;
    return Math.abs(apartMs) <= this.#windowMs;
  }

  #forget(nowMs: number): void {
    for (const [key, firsts] of this.#firsts) {
      const newest = firsts.at(-1);
      const isOld = newest === undefined || nowMs - newest.arrivedMs > this.#keptMs;
      if (!isOld && this.#firsts.size < this.#max) return;
      this.#firsts.delete(key);
    }
  }
}
