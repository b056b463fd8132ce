import { encodeAck } from '../../protocol/ack-codec.ts';
import type { RunId } from '../../protocol/ids.ts';
import { countOf, IntervalSet, type Range } from '../../protocol/intervals.ts';
import type { Clock } from '../../runtime/clock.ts';
import { MooringError } from '../../runtime/errors.ts';
import type { LogRejection } from '../recordlog/recordlog.ts';
import { acksOf, type BatchAddress, type Verdict } from './answer.ts';

/** The part of a batch that the log has and that is not yet where `ack` asks for it; none of its records. */
export interface HeldBatch {
  /** What its acks begin with. */
  readonly address: BatchAddress;
  readonly run: RunId;
  readonly ranges: readonly Range[];
  /** See `LogOutcome.later`. */
  readonly later: Promise<readonly LogRejection[]>;
  readonly answer: (ack: Uint8Array) => void;
}

export interface HeldBatchesOptions {
  readonly clock: Clock;
  /** Held records are stored now: how many for the first time, and how many came several times while they were held. */
  readonly onStored: (added: number, repeated: number) => void;
  /** Held records will never be stored: so many for the first time. */
  readonly onRejected: (count: number) => void;
  /** Ranges that are remembered at once, each batch counting for one more; 65,536 when left out. */
  readonly rangesMax?: number;
}

/** How often `held` is said again, which is good for ten minutes, in milliseconds. */
const RENEW_MS = 300_000;
const RANGES_MAX = 65_536;
/** A sink that comes back frees thousands of batches at once; a dropped ack costs its gateway the rest of ten minutes. */
const ACKS_PER_PACE = 200;
const PACE_MS = 100;

/**
 * Batches that were answered `held`: says it again while they wait, so that nothing is sent twice, and `stored` or
 * `rejected` when that is known. Beyond the bound a batch is not remembered: its gateway sends it again when the ten minutes are over.
 */
export class HeldBatches {
  readonly #clock: Clock;
  readonly #onStored: HeldBatchesOptions['onStored'];
  readonly #onRejected: HeldBatchesOptions['onRejected'];
  readonly #rangesMax: number;
  /** What cancels the next `held` of each. */
  readonly #renewals = new Map<HeldBatch, () => void>();
  /** What waits, once, however many batches brought it; and how many those are. */
  readonly #runs = new Map<RunId, { readonly waiting: IntervalSet; batches: number }>();
  readonly #unsaid: { readonly batch: HeldBatch; readonly verdict: Verdict }[] = [];
  #ranges = 0;
  #saidInPace = 0;
  #cancelPace = (): void => undefined;
  #isClosed = false;

  constructor({ clock, onStored, onRejected, rangesMax }: HeldBatchesOptions) {
    this.#clock = clock;
    this.#onStored = onStored;
    this.#onRejected = onRejected;
    this.#rangesMax = rangesMax ?? RANGES_MAX;
  }

  /** Records that wait. */
  get records(): number {
    let count = 0;
    for (const { waiting } of this.#runs.values()) count += waiting.count;
    return count;
  }

  /** Takes over a batch that has been answered once. */
  keep(batch: HeldBatch): void {
    const isRemembered = !this.#isClosed && this.#ranges + weightOf(batch) <= this.#rangesMax;
    if (isRemembered) this.#remember(batch);
    batch.later.then(
      (rejected) => this.#concluded(batch, rejected),
      (error: unknown) => {
        // A bug ends the process. Anything else is no news: the gateway sends it again.
        if (!(error instanceof MooringError)) throw error;
        this.#forget(batch);
      },
    );
  }

  /** Says what is still to be said, and nothing more. */
  close(): void {
    this.#isClosed = true;
    this.#cancelPace();
    for (const batch of this.#renewals.keys()) this.#forget(batch);
    for (const { batch, verdict } of this.#unsaid.splice(0)) say(batch, verdict);
  }

  #remember(batch: HeldBatch): void {
    this.#ranges += weightOf(batch);
    const run = this.#runs.get(batch.run) ?? { waiting: new IntervalSet(), batches: 0 };
    for (const [first, last] of batch.ranges) run.waiting.add(first, last);
    run.batches += 1;
    this.#runs.set(batch.run, run);
    this.#renewLater(batch);
  }

  #renewLater(batch: HeldBatch): void {
    const cancel = this.#clock.after(RENEW_MS, () => {
      this.#say(batch, { stored: [], held: batch.ranges, rejected: [] });
      this.#renewLater(batch);
    });
    this.#renewals.set(batch, cancel);
  }

  #concluded(batch: HeldBatch, rejected: readonly LogRejection[]): void {
    const run = this.#runs.get(batch.run);
    if (run === undefined || !this.#renewals.has(batch)) return;
    const left = new IntervalSet(batch.ranges);
    for (const range of rejected.flatMap(({ ranges }) => ranges)) {
      left.remove(...range);
      this.#onRejected(run.waiting.remove(...range));
    }
    const stored = left.ranges();
    let added = 0;
    for (const range of stored) added += run.waiting.remove(...range);
    this.#onStored(added, countOf(stored) - added);
    this.#forget(batch);
    this.#say(batch, { stored, held: [], rejected });
  }

  #forget(batch: HeldBatch): void {
    const cancel = this.#renewals.get(batch);
    const run = this.#runs.get(batch.run);
    if (cancel === undefined || run === undefined) return;
    cancel();
    this.#renewals.delete(batch);
    this.#ranges -= weightOf(batch);
    run.batches -= 1;
    if (run.batches === 0) this.#runs.delete(batch.run);
  }

  #say(batch: HeldBatch, verdict: Verdict): void {
    this.#unsaid.push({ batch, verdict });
    this.#pump();
  }

  #pump(): void {
    while (this.#saidInPace < ACKS_PER_PACE) {
      const next = this.#unsaid.shift();
      if (next === undefined) return;
      if (this.#saidInPace === 0) this.#cancelPace = this.#clock.after(PACE_MS, () => this.#nextPace());
      this.#saidInPace += 1;
      say(next.batch, next.verdict);
    }
  }

  #nextPace(): void {
    this.#saidInPace = 0;
    this.#pump();
  }
}

function say({ address, answer }: HeldBatch, verdict: Verdict): void {
  for (const ack of acksOf(address, verdict)) answer(encodeAck(ack));
}

function weightOf({ ranges }: HeldBatch): number {
  return ranges.length + 1;
}
