import { IntervalSet, type Range, type ReadonlyIntervalSet } from '../../protocol/intervals.ts';

interface Hold {
  readonly sequences: IntervalSet;
  /** When the first of them would have ended, on the monotonic clock. */
  readonly fromMs: number;
  untilMs: number;
}

/** Holds that end within so many milliseconds end together, with the last of them. */
const TOGETHER_MS = 10_000;

/** What the centre holds of one run, and until when. A sequence has the end that was said of it last. */
export class Holds {
  readonly #sequences = new IntervalSet();
  #holds: Hold[] = [];

  get sequences(): ReadonlyIntervalSet {
    return this.#sequences;
  }

  /** When the first of them ends; infinite when nothing is held. */
  get nextMs(): number {
    return this.#holds.reduce((nextMs, { untilMs }) => Math.min(nextMs, untilMs), Number.POSITIVE_INFINITY);
  }

  /** Holds these until then, whether or not they were held before. */
  hold(ranges: readonly Range[], untilMs: number): void {
    this.remove(ranges);
    if (ranges.length === 0) return;
    let hold = this.#holds.find(({ fromMs }) => fromMs <= untilMs && untilMs <= fromMs + TOGETHER_MS);
    if (hold === undefined) {
      hold = { sequences: new IntervalSet(), fromMs: untilMs, untilMs };
      this.#holds.push(hold);
    }
    hold.untilMs = Math.max(hold.untilMs, untilMs);
    for (const range of ranges) {
      hold.sequences.add(...range);
      this.#sequences.add(...range);
    }
  }

  /** The part of them that is held. */
  within(ranges: readonly Range[]): Range[] {
    return ranges.flatMap((range) => this.#sequences.within(...range));
  }

  remove(ranges: readonly Range[]): void {
    const known = this.within(ranges);
    if (known.length === 0) return;
    for (const range of known) {
      this.#sequences.remove(...range);
      for (const { sequences } of this.#holds) sequences.remove(...range);
    }
    this.#holds = this.#holds.filter(({ sequences }) => !sequences.isEmpty);
  }

  /** Takes out what has ended by `nowMs`. */
  end(nowMs: number): Range[] {
    const ended = this.#holds.filter(({ untilMs }) => untilMs <= nowMs);
    const ranges = new IntervalSet(ended.flatMap(({ sequences }) => sequences.ranges())).ranges();
    this.remove(ranges);
    return ranges;
  }
}
