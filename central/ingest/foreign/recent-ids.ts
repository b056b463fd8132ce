import type { Clock } from '../../../runtime/clock.ts';
import type { ForeignFate, ForeignPlace } from './foreign-log.ts';

export interface RecentIdsOptions {
  readonly clock: Clock;
  /** A record that comes again within this time of when it was durable first is not written again; 0: it always is. */
  readonly windowMs: number;
  /** Ids that are remembered, some 200 bytes each; with more the oldest is forgotten. 100,000 if left out. */
  readonly max?: number | undefined;
}

const IDS_MAX = 100_000;

interface Durable extends ForeignPlace {
  readonly atMs: number;
}

/**
 * Where the records of a source are that were durable a short while ago, by id, and those that are on their way. In this
 * copy of the centre only, and not across a restart: what slips through is one record in every store, as the id is the same.
 */
export class RecentIds {
  readonly #clock: Clock;
  readonly #windowMs: number;
  readonly #max: number;
  /** Oldest first. */
  readonly #durable = new Map<string, Durable>();
  readonly #underWay = new Map<string, Promise<ForeignFate>>();

  constructor({ clock, windowMs, max = IDS_MAX }: RecentIdsOptions) {
    this.#clock = clock;
    this.#windowMs = windowMs;
    this.#max = max;
  }

  /** Ids that are remembered. */
  get size(): number {
    return this.#durable.size;
  }

  /** What has become of this record, or will; undefined where it is new. */
  fateOf(id: string): ForeignPlace | Promise<ForeignFate> | undefined {
    if (this.#windowMs === 0) return undefined;
    this.#forget();
    const durable = this.#durable.get(id);
    if (durable === undefined) return this.#underWay.get(id);
    return { partition: durable.partition, offset: durable.offset };
  }

  /** It is on its way. Remembered once it is durable; forgotten where it is refused, or nobody knows. */
  begin(id: string, fate: Promise<ForeignFate>): void {
    if (this.#windowMs === 0) return;
    this.#underWay.set(id, fate);
    const end = (durable: ForeignFate | undefined): void => {
      this.#underWay.delete(id);
      if (durable === undefined || 'refused' in durable) return;
      this.#durable.set(id, { ...durable, atMs: this.#clock.monotonicMs() });
      this.#forget();
    };
    fate.then(end, () => end(undefined));
  }

  #forget(): void {
    const sinceMs = this.#clock.monotonicMs() - this.#windowMs;
    for (const [id, { atMs }] of this.#durable) {
      if (atMs > sinceMs && this.#durable.size <= this.#max) return;
      this.#durable.delete(id);
    }
  }
}
