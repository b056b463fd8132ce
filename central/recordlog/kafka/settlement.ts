import { IntervalSet, type Range, type ReadonlyIntervalSet } from '../../../protocol/intervals.ts';
import type { Clock } from '../../../runtime/clock.ts';
import { MooringError } from '../../../runtime/errors.ts';
import { type AckWord, encodeAckMessage } from './acks.ts';
import type { CommitWatch } from './commit-watch.ts';
import type { HeldPiece, Ledger } from './ledger.ts';
import type { LogLink } from './log-link.ts';

export interface SettlementOptions {
  readonly link: Pick<LogLink, 'produce'>;
  readonly ledger: Ledger;
  /** Topic of acknowledgements. */
  readonly topic: string;
  /** Of the groups that must have passed a record before it counts as stored; undefined: that the log has it is enough. */
  readonly commits: CommitWatch | undefined;
  readonly clock: Clock;
}

/** How long an acknowledgement may take to be durable, in milliseconds. */
const ACK_MS = 20_000;

/** Leads what the log has to being stored: the word of it is durable before anybody hears it. */
export class Settlement {
  readonly #options: SettlementOptions;
  readonly #closed = new AbortController();

  constructor(options: SettlementOptions) {
    this.#options = options;
  }

  /** Resolves when a message says that the log has a piece. Rejects with `LOG_FAILED`; may be called again. */
  declare(piece: HeldPiece): Promise<void> {
    if (piece.isDeclared) return Promise.resolve();
    piece.declaring ??= this.#declare(piece).catch((error: unknown) => {
      piece.declaring = undefined;
      throw error;
    });
    return piece.declaring;
  }

  /**
   * Resolves when a piece is where it has to be, or refused there, and messages say so. Rejects with `LOG_FAILED`, and may be called again
   * then, or with `LOG_EXPIRED` where it is nowhere any more. Whoever asks while it is under way shares it.
   * @param graceMs how long it is left to another copy to say so, once it is there; not at all when left out
   */
  settle(piece: HeldPiece, graceMs = 0): Promise<void> {
    if (piece.settling === undefined) {
      piece.settling = this.#settle(piece, graceMs).catch((error: unknown) => {
        piece.settling = undefined;
        throw error;
      });
      // Not everybody who begins it also waits for it.
      piece.settling.catch(() => undefined);
    }
    return piece.settling;
  }

  async #declare(piece: HeldPiece): Promise<void> {
    const ranges = piece.sequences.ranges();
    // Another copy may have said meanwhile that it is stored.
    if (ranges.length > 0) await this.#say(piece, { state: 'held' }, ranges);
    piece.isDeclared = true;
  }

  /** Nothing is left to another copy any more, nor begun. */
  close(): void {
    this.#closed.abort();
  }

  async #settle(piece: HeldPiece, graceMs: number): Promise<void> {
    const { ledger } = this.#options;
    const { run, sequences } = piece;
    while (!sequences.isEmpty) {
      // As it is now: what is merged into it meanwhile has a turn of its own.
      const { first, last } = piece;
      const waiting = sequences.ranges();
      await this.#passed(piece, first, last);
      if (graceMs > 0) await this.#wait(graceMs);
      // Another copy may have said so meanwhile.
      const ranges = waiting
        .flatMap((range) => sequences.within(...range))
        .flatMap((range) => ledger.stored(run).missing(...range));
      await this.#conclude(piece, { ...piece, first, last }, ranges);
      // The ledger may have forgotten that it had the piece.
      for (const range of waiting) sequences.remove(...range);
    }
  }

  /**
   * Who has passed all of these has said before which it refuses.
   * @param passed the piece as it was when they were asked
   */
  async #conclude(piece: HeldPiece, passed: HeldPiece, ranges: readonly Range[]): Promise<void> {
    const { ledger } = this.#options;
    const { run } = piece;
    const left = new IntervalSet(ranges);
    for (const rejected of ledger.rejected.of(run).values()) takeOut(left, rejected);
    for (const [sink, refused] of ledger.refused.of(run)) {
      const some = takeOut(left, refused);
      if (some.length === 0) continue;
      await this.#say(passed, { state: 'rejected', sink }, some);
      ledger.addRejected(run, sink, some);
    }
    const stored = left.ranges();
    if (stored.length === 0) return;
    if (piece.refusalsEpoch !== ledger.refused.epoch) {
      ledger.forget(piece);
      throw new MooringError('LOG_EXPIRED', 'what sinks have refused of these records is forgotten', {
        hint: 'They are asked for once more, as so many were refused. Look at the dead letter.',
        retry: 'later',
      });
    }
    await this.#say(passed, { state: 'stored' }, stored);
    ledger.addStored(run, stored);
  }

  async #wait(durationMs: number): Promise<void> {
    const { signal } = this.#closed;
    try {
      await this.#options.clock.sleep(durationMs, signal);
    } catch (error) {
      if (!signal.aborted) throw error;
      throw new MooringError('LOG_FAILED', 'the log is closed', { cause: error });
    }
  }

  async #passed(piece: HeldPiece, first: number, last: number): Promise<void> {
    const { commits, ledger } = this.#options;
    try {
      await commits?.passed({ partition: piece.partition, first, last });
    } catch (error) {
      if (error instanceof MooringError && error.code === 'LOG_EXPIRED') ledger.forget(piece);
      throw error;
    }
  }

  async #say(
    { run, gateway, partition, first, last }: HeldPiece,
    word: AckWord,
    ranges: readonly Range[],
  ): Promise<void> {
    const { link, topic, clock } = this.#options;
    const value = encodeAckMessage({ run, gateway, partition, first, last, ranges, ...word });
    const { refused } = await link.produce({
      messages: [{ topic, partition, key: gateway, value }],
      sizes: [value.length],
      deadlineMs: clock.monotonicMs() + ACK_MS,
    });
    if (refused.length > 0) {
      throw new MooringError('LOG_FAILED', 'the topic of acknowledgements refuses one', { context: { topic } });
    }
  }
}

/** Takes out of a set what another has too; what that was. */
function takeOut(set: IntervalSet, other: ReadonlyIntervalSet): Range[] {
  const both = set.ranges().flatMap((range) => other.within(...range));
  for (const range of both) set.remove(...range);
  return both;
}
