import type { Clock } from '../../../runtime/clock.ts';
import type { FlatRecord } from '../../recordlog/recordlog.ts';
import type { Reading } from '../format.ts';
import { uplinkContentOf } from './lorawan.ts';

export interface UplinkMergeOptions {
  readonly clock: Clock;
  /** Copies of one uplink have event times at most this far apart; `merge_uplinks` of the source. */
  readonly windowMs: number;
  /** Uplinks that are remembered, some 400 bytes each; 100,000 if left out. */
  readonly max?: number | undefined;
}

const UPLINKS_MAX = 100_000;
/** Of one device that say the same: as many as a backlog may have. */
const ALIKE_MAX = 1024;
/** A copy may come this much later than the first, or a window where that is longer: what was refused is sent again. */
const KEPT_MS = 10 * 60_000;

/** What the records of all copies of an uplink have from the first. */
export type UplinkNames = Pick<FlatRecord, 'id' | 'timestamp' | 'received_at'>;

interface First {
  readonly names: UplinkNames;
  /** Undefined: it said no time. */
  readonly saidMs: number | undefined;
  readonly arrivedMs: number;
}

/**
 * Makes one of the copies of an uplink, which a network server posts for each gateway that heard it. A copy is what says
 * the same of the same device (values, frame counter) at a time within the window of the first; it has its id and its time
 * then. Remembered in this copy of the centre only, for ten minutes, and not across a restart.
 */
export class UplinkMerge {
  readonly #clock: Clock;
  readonly #windowMs: number;
  readonly #keptMs: number;
  readonly #max: number;
  /** By device and content; the kind that had a new one longest ago first. */
  readonly #firsts = new Map<string, readonly First[]>();
  #size = 0;

  constructor({ clock, windowMs, max = UPLINKS_MAX }: UplinkMergeOptions) {
    this.#clock = clock;
    this.#windowMs = windowMs;
    this.#keptMs = Math.max(KEPT_MS, windowMs);
    this.#max = max;
  }

  /** Uplinks that are remembered. */
  get size(): number {
    return this.#size;
  }

  /**
   * What the copy of this reading that came first is called; what it is called itself where it is the first.
   * @param record of the reading: only what a record may hold is remembered
   */
  firstOf(reading: Reading, { id, timestamp, received_at }: FlatRecord): UplinkNames {
    const arrivedMs = this.#clock.monotonicMs();
    this.#forget(arrivedMs);
    const key = `${reading.sourceId} ${uplinkContentOf(reading)}`;
    const kept = this.#firsts.get(key) ?? [];
    const alike = kept.filter((first) => arrivedMs - first.arrivedMs <= this.#keptMs);
    const first = alike.find((other) => this.#isCopy(other, reading, arrivedMs));
    if (first !== undefined) return first.names;
    const names = { id, timestamp, ...(received_at === undefined ? {} : { received_at }) };
    const all = [...alike.slice(1 - ALIKE_MAX), { names, saidMs: reading.timestampMs, arrivedMs }];
    this.#firsts.delete(key);
    this.#firsts.set(key, all);
    this.#size += all.length - kept.length;
    return names;
  }

  /** By what they say of the time; where one says nothing, by when they came. */
  #isCopy({ saidMs, arrivedMs }: First, { timestampMs }: Reading, nowMs: number): boolean {
    const apartMs = saidMs === undefined || timestampMs === undefined ? nowMs - arrivedMs : timestampMs - saidMs;
    return Math.abs(apartMs) <= this.#windowMs;
  }

  #forget(nowMs: number): void {
    for (const [key, firsts] of this.#firsts) {
      const newest = firsts.at(-1);
      const isOld = newest === undefined || nowMs - newest.arrivedMs > this.#keptMs;
      if (!isOld && this.#size < this.#max) return;
      this.#firsts.delete(key);
      this.#size -= firsts.length;
    }
  }
}
