import { IntervalSet, type Range } from '../../protocol/intervals.ts';
import { Holds } from './holds.ts';

/** Ranges that are remembered of what was given back, and of all that was sent. */
const RANGES_MAX = 4096;

/** A batch of the run, as far as the run has to know it. */
interface Part {
  /** In flight: nothing is known of them yet. */
  readonly open: IntervalSet;
}

/**
 * What was sent of one run. A sequence that is not settled is in flight in one batch, or held, or was given back to the
 * store; what is settled, or was never sent, is in none of them.
 */
export class SentRun<Batch extends Part> {
  readonly salt: Uint8Array;
  /** Of which something is in flight. */
  readonly open = new Set<Batch>();
  /** The centre's log has them, its sinks not yet. */
  readonly holds = new Holds();
  /** Batches by which an ack can name the run. */
  batches = 0;
  readonly #lapsed = new IntervalSet();
  readonly #sent = new IntervalSet();
  readonly #onEmpty: (batch: Batch) => void;

  /** @param onEmpty called when nothing of a batch is in flight any more */
  constructor(salt: Uint8Array, onEmpty: (batch: Batch) => void) {
    this.salt = salt;
    this.#onEmpty = onEmpty;
  }

  /** They go (again). */
  send(ranges: readonly Range[]): void {
    for (const range of ranges) {
      this.#lapsed.remove(...range);
      this.#sent.add(...range);
    }
    bound(this.#sent);
  }

  /** Given back to the store, so perhaps on their way in another batch soon; a late ack counts all the same. */
  lapse(ranges: readonly Range[]): void {
    for (const range of ranges) this.#lapsed.add(...range);
    bound(this.#lapsed);
  }

  /** Whether all of these were sent, settled or not. */
  hasSent([first, last]: Range): boolean {
    return this.#sent.covers(first, last);
  }

  /** Takes out what is not settled of these. Returns it. @param named the batch that most of it is in, as a rule */
  settle(ranges: readonly Range[], named: Batch): Range[] {
    const unsettled = this.takeOpen(ranges, named);
    const others = ranges.filter(([first, last]) => !unsettled.covers(first, last));
    if (others.length > 0) {
      for (const range of others.flatMap((each) => this.#lapsed.within(...each))) {
        this.#lapsed.remove(...range);
        unsettled.add(...range);
      }
      const held = this.holds.within(others);
      this.holds.remove(held);
      for (const range of held) unsettled.add(...range);
    }
    return unsettled.ranges();
  }

  /** Takes out what is in flight of these. */
  takeOpen(ranges: readonly Range[], named: Batch): IntervalSet {
    const taken = new IntervalSet();
    this.#takeFrom(named, ranges, taken);
    const others = ranges.filter(([first, last]) => !taken.covers(first, last));
    if (others.length > 0) for (const batch of this.open) this.#takeFrom(batch, others, taken);
    return taken;
  }

  #takeFrom(batch: Batch, ranges: readonly Range[], taken: IntervalSet): void {
    const { open } = batch;
    for (const range of ranges.flatMap((each) => open.within(...each))) {
      open.remove(...range);
      taken.add(...range);
    }
    if (open.isEmpty) this.#onEmpty(batch);
  }
}

/** What is forgotten of it counts as never sent: it is ignored, and sent again. */
function bound(set: IntervalSet): void {
  while (set.rangeCount > RANGES_MAX) {
    const [oldest] = set.rangesFrom(0);
    if (oldest !== undefined) set.remove(...oldest);
  }
}
