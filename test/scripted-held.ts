import type { HeldRecords, LogRejection, Standing } from '../central/recordlog/recordlog.ts';
import type { RunId } from '../protocol/ids.ts';
import { IntervalSet, type Range } from '../protocol/intervals.ts';

/** A log of one run that holds what the test says, and tells of what becomes of it. */
export class ScriptedHeld implements HeldRecords {
  /** What is held, by whatever copy. */
  readonly held = new IntervalSet();
  /** How often this copy was asked to see to it. */
  adoptions = 0;
  readonly #run: RunId;
  readonly #stored = new IntervalSet();
  #rejected: LogRejection[] = [];
  #listener: (run: RunId) => void = () => undefined;

  constructor(run: RunId) {
    this.#run = run;
  }

  watch(listener: (run: RunId) => void): void {
    this.#listener = listener;
  }

  hold(...ranges: Range[]): void {
    for (const range of ranges) this.held.add(...range);
  }

  store(...ranges: Range[]): void {
    for (const range of ranges) {
      this.held.remove(...range);
      this.#stored.add(...range);
    }
    this.#listener(this.#run);
  }

  reject(sink: string, ...ranges: Range[]): void {
    for (const range of ranges) this.held.remove(...range);
    this.#rejected.push({ ranges, code: `sink:${sink}`, reason: 'too old', isKept: true });
    this.#listener(this.#run);
  }

  /** The log does not know of it any more. */
  lose(...ranges: Range[]): void {
    for (const range of ranges) this.held.remove(...range);
  }

  standing(run: RunId, ranges: readonly Range[]): Standing {
    if (run !== this.#run) return { stored: [], held: [], rejected: [] };
    const within = (set: IntervalSet): Range[] => ranges.flatMap((range) => set.within(...range));
    const rejected = this.#rejected
      .map((each) => ({ ...each, ranges: within(new IntervalSet(each.ranges)) }))
      .filter((each) => each.ranges.length > 0);
    return { stored: within(this.#stored), held: within(this.held), rejected };
  }

  adopt(run: RunId): readonly Range[] {
    if (run !== this.#run) return [];
    this.adoptions += 1;
    return this.held.ranges();
  }
}
