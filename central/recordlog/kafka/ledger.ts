import type { RunId } from '../../../protocol/ids.ts';
import { IntervalSet, type Range, type ReadonlyIntervalSet } from '../../../protocol/intervals.ts';
import type { AckMessage } from './acks.ts';
import { Refusals } from './refusals.ts';

/**
 * Records that the log has and of which `stored` may not be said yet. Becomes empty as they are stored, and may grow
 * meanwhile, as the ledger merges others into it.
 */
export interface HeldPiece {
  readonly run: RunId;
  readonly gateway: string;
  /** Where they are in the topic of records: between two offsets, both included. */
  readonly partition: number;
  first: number;
  last: number;
  readonly sequences: IntervalSet;
  /** A message of the acknowledgements says that the log has them. */
  isDeclared: boolean;
  /** When it was heard of here, on the monotonic clock; the oldest part of it. */
  readonly sinceMs: number;
  /** Of the ledger's refusals, before the records could be refused: when it has grown, one of these may be forgotten. */
  readonly refusalsEpoch: number;
  /** Under way. */
  declaring?: Promise<void> | undefined;
  settling?: Promise<void> | undefined;
}

export interface LedgerBounds {
  readonly runsMax: number;
  /** Ranges of all runs together. */
  readonly rangesMax: number;
  /** Pieces of all runs together. */
  readonly heldMax: number;
  /** Ranges of all runs' pieces together. */
  readonly heldRangesMax: number;
  /** Ranges that sinks have refused, of all runs together. */
  readonly refusedRangesMax: number;
}

const BOUNDS: LedgerBounds = {
  runsMax: 20_000,
  rangesMax: 200_000,
  heldMax: 100_000,
  heldRangesMax: 200_000,
  refusedRangesMax: 200_000,
};
/** A sink that is away for weeks makes pieces by the million, of few ranges: the oldest of a run become one. */
const PIECES_PER_RUN = 4;
const NOTHING: ReadonlyIntervalSet = new IntervalSet();

/**
 * What is known to be acknowledged, by this copy and by others, so that a repeat is answered and not produced again.
 * Bounded: what was forgotten would be produced once more, and the sinks drop it.
 */
export class Ledger {
  readonly #bounds: LedgerBounds;
  /** The run that was forgotten about the longest comes first. */
  readonly #stored = new Map<RunId, IntervalSet>();
  readonly #held = new Map<RunId, Held>();
  readonly #isDeciding: (sink: string) => boolean;
  readonly #onConcluded: (run: RunId) => void;
  /** What sinks that decide have refused; and of that, what gateways may hear. */
  readonly refused: Refusals;
  readonly rejected: Refusals;
  #ranges = 0;
  #heldCount = 0;
  #heldRanges = 0;

  /**
   * @param isDeciding whether a sink has to have a record before it is acknowledged; none when left out
   * @param onConcluded called when records of a run have become stored or rejected
   */
  constructor(
    bounds: Partial<LedgerBounds> = {},
    isDeciding: (sink: string) => boolean = () => false,
    onConcluded: (run: RunId) => void = () => undefined,
  ) {
    this.#bounds = { ...BOUNDS, ...bounds };
    this.#isDeciding = isDeciding;
    this.#onConcluded = onConcluded;
    this.refused = new Refusals(this.#bounds.refusedRangesMax);
    this.rejected = new Refusals(this.#bounds.refusedRangesMax);
  }

  stored(run: RunId): ReadonlyIntervalSet {
    return this.#stored.get(run) ?? NOTHING;
  }

  heldOf(run: RunId): ReadonlyIntervalSet {
    return this.#held.get(run)?.all ?? NOTHING;
  }

  /** What is held of a run; the one that was produced first comes first. */
  piecesOf(run: RunId): readonly HeldPiece[] {
    return this.#held.get(run)?.pieces ?? [];
  }

  /** The piece that a record is in; undefined where it is not known to be held. */
  heldWith(run: RunId, sequence: number): HeldPiece | undefined {
    const held = this.#held.get(run);
    if (held === undefined || !held.all.has(sequence)) return undefined;
    return held.pieces.find(({ sequences }) => sequences.has(sequence));
  }

  addStored(run: RunId, ranges: readonly Range[]): void {
    const sequences = this.#stored.get(run) ?? new IntervalSet();
    const before = sequences.rangeCount;
    for (const [first, last] of ranges) sequences.add(first, last);
    this.#ranges += sequences.rangeCount - before;
    this.#stored.delete(run);
    this.#stored.set(run, sequences);
    this.#forget(run);
    this.#release(run, ranges);
    this.#onConcluded(run);
  }

  addRejected(run: RunId, sink: string, ranges: readonly Range[]): void {
    this.rejected.add(run, sink, ranges);
    this.#release(run, ranges);
    this.#onConcluded(run);
  }

  /**
   * Takes out of a piece what is known already, as stored, as rejected or in another piece, and keeps the rest. Returns whether there
   * is any.
   */
  addHeld(piece: HeldPiece): boolean {
    const { run, sequences } = piece;
    const held = this.#held.get(run) ?? { all: new IntervalSet(), pieces: [] };
    for (const known of [this.stored(run), ...this.rejected.of(run).values(), held.all]) {
      for (const [first, last] of sequences.ranges().flatMap((range) => known.within(...range))) {
        sequences.remove(first, last);
      }
    }
    if (sequences.isEmpty) return false;
    this.#rangesOf(held, () => {
      for (const [first, last] of sequences.ranges()) held.all.add(first, last);
    });
    held.pieces.push(piece);
    this.#heldCount += 1;
    this.#held.set(run, held);
    this.#merge(held);
    this.#forgetHeld();
    return true;
  }

  /** The log does not have it any more: who sends it again has it produced again. */
  forget(piece: HeldPiece): void {
    const held = this.#held.get(piece.run);
    if (held?.pieces.includes(piece)) this.#remove(held, piece);
  }

  /** What a message of the acknowledgements says. @param nowMs on the monotonic clock */
  learn(message: AckMessage, nowMs: number): void {
    const { run, gateway, partition, first, last, ranges } = message;
    switch (message.state) {
      case 'stored':
        this.addStored(run, ranges);
        return;
      case 'refused':
        if (this.#isDeciding(message.sink)) this.refused.add(run, message.sink, ranges);
        return;
      case 'rejected':
        this.addRejected(run, message.sink, ranges);
        return;
      case 'held': {
        const sequences = new IntervalSet(ranges);
        const refusalsEpoch = this.refused.epoch;
        const place = { run, gateway, partition, first, last };
        this.addHeld({ ...place, sequences, isDeclared: true, sinceMs: nowMs, refusalsEpoch });
      }
    }
  }

  #release(run: RunId, ranges: readonly Range[]): void {
    const held = this.#held.get(run);
    if (held === undefined) return;
    this.#rangesOf(held, () => {
      for (const [first, last] of ranges) {
        if (held.all.remove(first, last) === 0) continue;
        for (const { sequences } of held.pieces) sequences.remove(first, last);
      }
    });
    const before = held.pieces.length;
    held.pieces = held.pieces.filter(({ sequences }) => !sequences.isEmpty);
    this.#heldCount -= before - held.pieces.length;
    if (held.pieces.length === 0) this.#held.delete(run);
  }

  #forget(keep: RunId): void {
    for (const [run, sequences] of this.#stored) {
      if (this.#stored.size <= this.#bounds.runsMax && this.#ranges <= this.#bounds.rangesMax) return;
      if (run === keep) return;
      this.#stored.delete(run);
      this.#ranges -= sequences.rangeCount;
    }
  }

  /**
   * What is said of a piece that others were merged into is said when all of it has come true. Whoever waits for one of
   * the others goes on with that.
   */
  #merge({ pieces }: Held): void {
    const [older, newer] = pieces;
    if (older === undefined || newer === undefined || pieces.length <= PIECES_PER_RUN) return;
    if (!older.isDeclared || !newer.isDeclared || older.partition !== newer.partition) return;
    older.first = Math.min(older.first, newer.first);
    older.last = Math.max(older.last, newer.last);
    for (const [first, last] of newer.sequences.ranges()) older.sequences.add(first, last);
    pieces.splice(1, 1);
    this.#heldCount -= 1;
  }

  #forgetHeld(): void {
    const { heldMax, heldRangesMax } = this.#bounds;
    while (this.#heldCount > heldMax || this.#heldRanges > heldRangesMax) {
      const [held] = this.#held.values();
      const [piece] = held?.pieces ?? [];
      if (held === undefined || piece === undefined) return;
      this.#remove(held, piece);
    }
  }

  #remove(held: Held, piece: HeldPiece): void {
    held.pieces.splice(held.pieces.indexOf(piece), 1);
    this.#heldCount -= 1;
    this.#rangesOf(held, () => {
      for (const [first, last] of piece.sequences.ranges()) held.all.remove(first, last);
    });
    if (held.pieces.length === 0) this.#held.delete(piece.run);
  }

  /** Counts by how many ranges the work makes a run's held ones more, or fewer. */
  #rangesOf({ all }: Held, work: () => void): void {
    const before = all.rangeCount;
    work();
    this.#heldRanges += all.rangeCount - before;
  }
}

interface Held {
  /** Of all pieces. */
  readonly all: IntervalSet;
  /** The one that was produced first comes first. */
  pieces: HeldPiece[];
}
