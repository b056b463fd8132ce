import type { Clock } from '../../../runtime/clock.ts';
import { MooringError } from '../../../runtime/errors.ts';
import type { Log } from '../../../runtime/log.ts';
import type { I2cAdapter, I2cJob } from '../machine.ts';
import { Turns } from '../turns.ts';
import {
  busError,
  closedError,
  contextOf,
  deadlineError,
  type I2cPlace,
  isGone,
  pauseMs,
  stuckError,
} from './errors.ts';

/**
 * How long a transaction may take with its repetitions, in milliseconds. The longest, 64 bytes behind a multiplexer at 100
 * kHz, takes 7; the kernel itself gives up a Pi's bus after 1,000.
 */
const TRANSACTION_MS = 250;
/** Opening starts a process, which a small machine under load takes its time for. */
const OPEN_MS = 10_000;

export interface I2cBusOptions {
  /** `i2c-1`. */
  readonly name: string;
  readonly adapter: I2cAdapter;
  readonly clock: Clock;
  readonly log: Log;
  /** Default 250. */
  readonly transactionMs?: number;
}

export interface TransactionOptions {
  /** Default true: disturbances are met by trying again. */
  readonly isRepeated?: boolean;
}

/** A call that has not come back when its time was over. */
interface Stuck {
  readonly place: I2cPlace;
  readonly sinceMs: number;
}

/**
 * One I²C bus: transactions in the order in which they came, one native call at a time. A call that outlives its deadline
 * cannot be stopped, so the bus is *stuck* until it has come back: all others are told at once, and nothing is called
 * meanwhile. Then the bus is closed and opened again before its next use.
 */
export class I2cBus {
  readonly name: string;
  readonly #adapter: I2cAdapter;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #transactionMs: number;
  readonly #turns = new Turns();
  readonly #users = new Set<object>();
  readonly #muxes = new Set<number>();
  /** `stale`: open, and not to be used before it was opened anew. */
  #state: 'closed' | 'open' | 'stale' = 'closed';
  #stuck: Stuck | undefined;
  /** What was logged, until a transaction comes back in time. */
  #told: Stuck | undefined;
  #rejectCaller: ((error: Error) => void) | undefined;
  #isEnded = false;

  constructor({ name, adapter, clock, log, transactionMs = TRANSACTION_MS }: I2cBusOptions) {
    this.name = name;
    this.#adapter = adapter;
    this.#clock = clock;
    this.#log = log;
    this.#transactionMs = transactionMs;
  }

  /** There is a multiplexer at this address: to be told before the bus is opened, as it may have a channel connected. */
  hasMux(address: number): void {
    this.#muxes.add(address);
  }

  /** Keeps the bus open for `user` until it is released, and opens it where it is not. Throws as a transaction does. */
  async retain(user: object, signal: AbortSignal): Promise<void> {
    this.#users.add(user);
    const place = { bus: this.name };
    try {
      await this.#inTurn(place, signal, () => this.#ensureOpen(place));
    } catch (error) {
      throw busError(error, place);
    }
  }

  isRetainedBy(user: object): boolean {
    return this.#users.has(user);
  }

  /** With the last user the bus is closed; one that is stuck, as soon as it is free. Never rejects. */
  async release(user: object): Promise<void> {
    if (!this.#users.delete(user) || this.#stuck !== undefined) return;
    await this.#closeUnused();
  }

  /** The bytes that were read. Throws what `I2cDevice` tells, or the reason of `signal`. */
  async transact(job: I2cJob, signal: AbortSignal, { isRepeated = true }: TransactionOptions = {}): Promise<Buffer> {
    const place: I2cPlace = { bus: this.name, ...job };
    let limit: Limit | undefined;
    let failure: unknown;
    for (let failures = 1; ; failures += 1) {
      try {
        const bytes = await this.#inTurn(place, signal, async () => {
          await this.#ensureOpen(place);
          signal.throwIfAborted();
          limit ??= this.#limit();
          const nowMs = this.#clock.monotonicMs();
          // A repetition that began late would be cut short, and the bus would pass for stuck.
          if (failure !== undefined && nowMs > limit.lastStartMs) throw failure;
          return await this.#guarded(place, limit.endMs - nowMs, () => this.#adapter.run(job));
        });
        return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      } catch (error) {
        failure = error;
        const waitMs = isRepeated && limit !== undefined ? pauseMs(error, failures) : undefined;
        const isLate = limit !== undefined && this.#clock.monotonicMs() > limit.lastStartMs;
        if (waitMs === undefined || isLate) throw busError(error, place);
        // Others have their turns meanwhile.
        await this.#clock.sleep(waitMs, signal);
      }
    }
  }

  /** Closes it for good, also while a call is out. Those who wait are turned away. Never rejects. */
  async end(): Promise<void> {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#users.clear();
    const error = (): Error => closedError({ bus: this.name });
    this.#turns.turnAway(error);
    this.#rejectCaller?.(error());
    await this.#adapter.close();
  }

  #limit(): Limit {
    const nowMs = this.#clock.monotonicMs();
    return { endMs: nowMs + this.#transactionMs, lastStartMs: nowMs + this.#transactionMs / 2 };
  }

  /**
   * Runs `work` when its turn has come. The caller is answered when the signal is aborted or the bus becomes stuck; the
   * turn ends when `work` has come back.
   */
  async #inTurn<T>(place: I2cPlace, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    signal.throwIfAborted();
    if (this.#isEnded) throw closedError(place);
    if (this.#stuck !== undefined) throw this.#stuckError(place);
    await this.#turns.take(signal);
    if (this.#isEnded || signal.aborted) {
      this.#turns.pass();
      throw this.#isEnded ? closedError(place) : signal.reason;
    }
    return await new Promise<T>((resolve, reject) => {
      const onAbort = (): void => reject(signal.reason as Error);
      signal.addEventListener('abort', onAbort, { once: true });
      this.#rejectCaller = reject;
      const back = (): void => {
        signal.removeEventListener('abort', onAbort);
        this.#rejectCaller = undefined;
        this.#turns.pass();
      };
      // Before its caller goes on, so that what the caller does next finds the bus as it is.
      work().finally(back).then(resolve, reject);
    });
  }

  /** One call of the adapter. When it is not back in time the bus is stuck until it is, and what it brings then is nothing. */
  async #guarded<T>(place: I2cPlace, limitMs: number, call: () => Promise<T>): Promise<T> {
    if (this.#isEnded) throw closedError(place);
    const cancel = this.#clock.after(limitMs, () => this.#becomeStuck(place, limitMs));
    const [outcome] = await Promise.allSettled([call()]);
    cancel();
    if (this.#stuck !== undefined) {
      this.#becomeFree();
      throw deadlineError(place, limitMs);
    }
    if (outcome.status === 'rejected' && isGone(outcome.reason)) this.#state = 'stale';
    else this.#tellFree();
    if (outcome.status === 'rejected') throw outcome.reason;
    return outcome.value;
  }

  #becomeStuck(place: I2cPlace, limitMs: number): void {
    this.#stuck = { place, sinceMs: this.#clock.monotonicMs() };
    if (this.#told === undefined && !this.#isEnded) {
      this.#told = this.#stuck;
      this.#log.warn(contextOf(place), 'I2C bus is stuck: a call has not come back');
    }
    this.#rejectCaller?.(deadlineError(place, limitMs));
    this.#turns.turnAway(() => this.#stuckError(place));
  }

  #becomeFree(): void {
    this.#stuck = undefined;
    this.#state = 'stale';
    if (this.#users.size === 0) void this.#closeUnused();
  }

  /** Not when a call comes back at last: on a line that is held for good each does, after a second, and the next hangs again. */
  #tellFree(): void {
    if (this.#told === undefined || this.#state !== 'open' || this.#isEnded) return;
    const stuckMs = Math.round(this.#clock.monotonicMs() - this.#told.sinceMs);
    this.#log.info({ ...contextOf(this.#told.place), stuckMs }, 'I2C bus is free again');
    this.#told = undefined;
  }

  /** In a turn. */
  async #ensureOpen(place: I2cPlace): Promise<void> {
    if (this.#state === 'stale') await this.#closeAdapter();
    if (this.#state === 'open') return;
    await this.#guarded(place, OPEN_MS, () => this.#adapter.open([...this.#muxes]));
    // Not earlier: what opens tells nothing of the wire.
    this.#state = 'open';
  }

  async #closeUnused(): Promise<void> {
    try {
      await this.#inTurn({ bus: this.name }, new AbortController().signal, async () => {
        if (this.#users.size === 0 && this.#state !== 'closed') await this.#closeAdapter();
      });
    } catch (error) {
      // Stuck since it was asked, and closed when it is free; or closed for good.
      if (!(error instanceof MooringError)) throw error;
    }
  }

  async #closeAdapter(): Promise<void> {
    await this.#adapter.close();
    this.#state = 'closed';
  }

  #stuckError(place: I2cPlace): Error {
    const { place: by, sinceMs } = this.#stuck ?? { place, sinceMs: this.#clock.monotonicMs() };
    return stuckError(place, by, this.#clock.monotonicMs() - sinceMs);
  }
}

/** On the monotonic clock. */
interface Limit {
  readonly endMs: number;
  readonly lastStartMs: number;
}
