import type { RunId } from '../../../protocol/ids.ts';
import { IntervalSet, type Range, type ReadonlyIntervalSet } from '../../../protocol/intervals.ts';

/** Ranges of all runs together. */
const RANGES_MAX = 200_000;
const NOTHING: ReadonlyMap<string, ReadonlyIntervalSet> = new Map();

/** Sequences by run and by the sink that will never take them. Bounded: `epoch` tells that something was forgotten. */
export class Refusals {
  readonly #rangesMax: number;
  /** The run that was spoken of least recently comes first. */
  readonly #runs = new Map<RunId, Map<string, IntervalSet>>();
  #ranges = 0;
  #epoch = 0;

  constructor(rangesMax: number = RANGES_MAX) {
    this.#rangesMax = rangesMax;
  }

  /** Grows when anything was forgotten: what was not refused before that may have been. */
  get epoch(): number {
    return this.#epoch;
  }

  add(run: RunId, sink: string, ranges: readonly Range[]): void {
    const ofRun = this.#runs.get(run) ?? new Map<string, IntervalSet>();
    const sequences = ofRun.get(sink) ?? new IntervalSet();
    const before = sequences.rangeCount;
    for (const range of ranges) sequences.add(...range);
    this.#ranges += sequences.rangeCount - before;
    ofRun.set(sink, sequences);
    this.#runs.delete(run);
    this.#runs.set(run, ofRun);
    this.#forget(run);
  }

  /** By sink. */
  of(run: RunId): ReadonlyMap<string, ReadonlyIntervalSet> {
    return this.#runs.get(run) ?? NOTHING;
  }

  /** The sink that refuses a record, one of them where there are several; undefined where none does. */
  sinkOf(run: RunId, sequence: number): string | undefined {
    for (const [sink, sequences] of this.of(run)) if (sequences.has(sequence)) return sink;
    return undefined;
  }

  #forget(keep: RunId): void {
    for (const [run, ofRun] of this.#runs) {
      if (this.#ranges <= this.#rangesMax || run === keep) return;
      this.#runs.delete(run);
      for (const { rangeCount } of ofRun.values()) this.#ranges -= rangeCount;
      this.#epoch += 1;
    }
  }
}
