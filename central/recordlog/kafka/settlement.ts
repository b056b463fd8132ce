import type { Clock } from '../../../runtime/clock.ts';
import { MooringError } from '../../../runtime/errors.ts';
import { type AckMessage, encodeAckMessage } from './acks.ts';
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

  constructor(options: SettlementOptions) {
    this.#options = options;
  }

  /** Resolves when a message says that the log has a piece. Rejects with `LOG_FAILED`; may be called again. */
  declare(piece: HeldPiece): Promise<void> {
    if (piece.isDeclared) return Promise.resolve();
    piece.declaring ??= this.#say(piece, 'held').then(
      () => {
        piece.isDeclared = true;
      },
      (error: unknown) => {
        piece.declaring = undefined;
        throw error;
      },
    );
    return piece.declaring;
  }

  /**
   * Resolves when a piece is where it has to be, and a message says so. Rejects with `LOG_FAILED`; may be called again.
   * Whoever asks while it is under way shares it.
   */
  settle(piece: HeldPiece): Promise<void> {
    if (piece.settling === undefined) {
      piece.settling = this.#settle(piece).catch((error: unknown) => {
        piece.settling = undefined;
        throw error;
      });
      // Not everybody who begins it also waits for it.
      piece.settling.catch(() => undefined);
    }
    return piece.settling;
  }

  async #settle(piece: HeldPiece): Promise<void> {
    const { commits, ledger } = this.#options;
    if (commits !== undefined) await commits.passed(piece.partition, piece.last);
    // Another copy may have said so meanwhile.
    const ranges = piece.sequences.ranges();
    if (ranges.length === 0) return;
    await this.#say(piece, 'stored');
    ledger.addStored(piece.run, ranges);
    // The ledger may have forgotten that it had the piece.
    for (const [first, last] of ranges) piece.sequences.remove(first, last);
  }

  async #say(
    { run, gateway, partition, first, last, sequences }: HeldPiece,
    state: AckMessage['state'],
  ): Promise<void> {
    const { link, topic, clock } = this.#options;
    const value = encodeAckMessage({ run, gateway, partition, first, last, state, ranges: sequences.ranges() });
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
