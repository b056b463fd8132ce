import type { RunId } from '../../../protocol/ids.ts';
import type { ReadonlyIntervalSet } from '../../../protocol/intervals.ts';

/** Records that are being produced. */
export interface Flight {
  readonly sequences: ReadonlyIntervalSet;
  /** Resolves when it is known what became of them, well or ill. */
  readonly landed: Promise<void>;
}

const NONE: readonly Flight[] = [];

/** What is under way, so that nobody sends it a second time meanwhile. */
export class Flights {
  readonly #flights = new Map<RunId, readonly Flight[]>();

  of(run: RunId): readonly Flight[] {
    return this.#flights.get(run) ?? NONE;
  }

  /** Returns what is to be called when it is over. */
  begin(run: RunId, sequences: ReadonlyIntervalSet): () => void {
    const { promise, resolve } = Promise.withResolvers<void>();
    const flight: Flight = { sequences, landed: promise };
    this.#flights.set(run, [...this.of(run), flight]);
    return () => {
      const left = this.of(run).filter((other) => other !== flight);
      if (left.length === 0) this.#flights.delete(run);
      else this.#flights.set(run, left);
      resolve();
    };
  }
}
