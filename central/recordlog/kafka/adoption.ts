import type { RunId } from '../../../protocol/ids.ts';
import { IntervalSet, type Range } from '../../../protocol/intervals.ts';
import type { Clock } from '../../../runtime/clock.ts';
import type { Ledger } from './ledger.ts';
import type { Settlement } from './settlement.ts';

export interface AdoptionOptions {
  readonly ledger: Ledger;
  readonly settlement: Settlement;
  readonly clock: Clock;
}

/** What is held for less may be about to be stored: whoever appends it waits so long, and a moment more, in milliseconds. */
const SETTLED_SOON_MS = 6000;
/**
 * How long after the sinks have passed what another copy has held it is left to that copy to say so: one word is enough, and
 * it is only to be said here where that copy is gone. In milliseconds.
 */
const GRACE_MS = 10_000;

/** Leads to its end what is held, whoever has held it. */
export class Adoption {
  readonly #options: AdoptionOptions;

  constructor(options: AdoptionOptions) {
    this.#options = options;
  }

  /** See `HeldRecords`. */
  adopt(run: RunId): Range[] {
    const { ledger, settlement, clock } = this.#options;
    const beforeMs = clock.monotonicMs() - SETTLED_SOON_MS;
    const pieces = ledger.piecesOf(run).filter(({ isDeclared, sinceMs }) => isDeclared && sinceMs <= beforeMs);
    // What is under way here goes on as it does; who waits for it is told of what goes wrong, and the next look begins anew.
    for (const piece of pieces) settlement.settle(piece, GRACE_MS).catch(() => undefined);
    return new IntervalSet(pieces.flatMap(({ sequences }) => sequences.ranges())).ranges();
  }
}
