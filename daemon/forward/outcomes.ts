import type { RejectCode } from '../../protocol/ack.ts';
import { IntervalSet, type Range } from '../../protocol/intervals.ts';
import { Backoff } from '../../runtime/backoff.ts';
import type { Clock } from '../../runtime/clock.ts';
import { toMooringError } from '../../runtime/errors.ts';
import type { Log } from '../../runtime/log.ts';
import type { Random } from '../../runtime/random.ts';
import type { Store } from '../store/store.ts';

/** What became of rows that were taken. */
export type Verdict =
  | { readonly verb: 'settle' | 'hold' | 'release' }
  | { readonly verb: 'reject'; readonly code: RejectCode };

export interface OutcomesOptions {
  readonly forwarder: string;
  readonly store: Pick<Store, 'settle' | 'hold' | 'release' | 'reject'>;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** The store has taken an outcome. `freed`: rows that were pending until now and are no more. */
  readonly onDone: (verb: Verdict['verb'], freed: number) => void;
}

interface Outcome {
  readonly verdict: Verdict;
  readonly salt: Uint8Array;
  readonly sequences: IntervalSet;
}

const RETRY = { firstMs: 250, maxMs: 30_000 } as const;

/**
 * Tells the store what became of rows, in the order in which it was learnt, and again until the store has taken it: until
 * then they stay reserved. What comes while the store is busy is put together, so that a slow disk sees few commits.
 */
export class Outcomes {
  readonly #options: OutcomesOptions;
  readonly #backoff: Backoff;
  readonly #stopping = new AbortController();
  #waiting: Outcome[] = [];
  #isRunning = false;
  #running: Promise<void> = Promise.resolve();

  constructor(options: OutcomesOptions) {
    this.#options = options;
    this.#backoff = new Backoff(RETRY, options.random);
  }

  add(verdict: Verdict, salt: Uint8Array, ranges: readonly Range[]): void {
    if (ranges.length === 0) return;
    const last = this.#waiting.at(-1);
    const joins = last !== undefined && isSame(last.verdict, verdict) && Buffer.compare(last.salt, salt) === 0;
    const sequences = joins ? last.sequences : new IntervalSet();
    for (const [from, to] of ranges) sequences.add(from, to);
    if (!joins) this.#waiting.push({ verdict, salt, sequences });
    if (!this.#isRunning) this.#running = this.#run();
  }

  /** Hands everything over at once, for good. Resolves when the store has taken it, or has failed to. */
  async flush(): Promise<void> {
    this.#stopping.abort();
    const waiting = this.#waiting.splice(0);
    const handedOver = await Promise.allSettled([this.#running, ...waiting.map((each) => this.#try(each))]);
    const failed = handedOver.find((each) => each.status === 'rejected');
    if (failed !== undefined)
      this.#options.log.warn({ err: failed.reason }, 'the last outcomes are lost: rows go again');
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    await this.#drain();
    this.#isRunning = false;
  }

  async #drain(): Promise<void> {
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      try {
        await this.#try(next);
        if (this.#backoff.attempts > 0) this.#options.log.info({}, 'the store takes outcomes again');
        this.#backoff.reset();
      } catch (cause) {
        this.#waiting.unshift(next);
        const err = toMooringError(cause, 'STORE_FAILED', 'the store failed');
        if (this.#backoff.attempts === 0) {
          this.#options.log.error({ err, code: err.code, verb: next.verdict.verb }, 'the store takes no outcomes');
        }
        if (this.#stopping.signal.aborted) return;
        await this.#pause();
      }
    }
  }

  async #try(outcome: Outcome): Promise<void> {
    const freed = await this.#apply(outcome);
    this.#options.onDone(outcome.verdict.verb, freed);
  }

  async #apply({ verdict, salt, sequences }: Outcome): Promise<number> {
    const { forwarder, store } = this.#options;
    const ranges = sequences.ranges();
    switch (verdict.verb) {
      case 'settle':
        return await store.settle(forwarder, salt, ranges);
      case 'reject':
        return await store.reject(forwarder, salt, ranges, verdict.code);
      case 'hold':
        await store.hold(forwarder, salt, ranges);
        return 0;
      case 'release':
        await store.release(forwarder, salt, ranges);
        return 0;
    }
  }

  async #pause(): Promise<void> {
    await this.#options.clock.sleep(this.#backoff.nextMs(), this.#stopping.signal).catch(() => undefined);
  }
}

function isSame(one: Verdict, other: Verdict): boolean {
  return one.verb === other.verb && (one.verb !== 'reject' || other.verb !== 'reject' || one.code === other.code);
}
