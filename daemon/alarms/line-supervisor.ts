import { Backoff } from '../../runtime/backoff.ts';
import { type Clock, withDeadline } from '../../runtime/clock.ts';
import { MooringError, toMooringError } from '../../runtime/errors.ts';
import type { Random } from '../../runtime/random.ts';
import { GuardedCall } from '../sampling/guarded-call.ts';

export interface LineSupervisorOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly open: (signal: AbortSignal) => Promise<void>;
  /** Stays as long as the line is there; rejects with why it is not. May end when the signal is aborted. */
  readonly serve: (signal: AbortSignal) => Promise<void>;
  readonly close: () => Promise<void>;
  /** Once when the line has failed, with why; once when it is open again, without. */
  readonly onChange: (error: MooringError | undefined) => void;
}

const OPEN_DEADLINE_MS = 10_000;
const CLOSE_DEADLINE_MS = 3000;
const REOPEN = { firstMs: 1000, maxMs: 30_000 } as const;
/** A line that stays for this long after it was opened is well again: the next wait is short once more. */
const STABLE_MS = 10_000;

/** Keeps one GPIO line open: opens it, closes and reopens it with back-off after errors, for ever. */
export class LineSupervisor {
  readonly #options: LineSupervisorOptions;
  readonly #backoff: Backoff;
  readonly #stopping = new AbortController();
  readonly #call: GuardedCall;
  #failure: MooringError | undefined;
  #isOpen = false;
  #onFirst: (() => void) | undefined;
  #life: Promise<void> | undefined;

  constructor(options: LineSupervisorOptions) {
    this.#options = options;
    this.#backoff = new Backoff(REOPEN, options.random);
    this.#call = new GuardedCall(options.clock, this.#stopping.signal);
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Why it is not open, or was not until a moment ago. */
  get failure(): MooringError | undefined {
    return this.#failure;
  }

  /** Resolves when the first attempt to open it has ended, either way. */
  async start(): Promise<void> {
    const opened = new Promise<void>((resolve) => {
      this.#onFirst = resolve;
    });
    this.#life = this.#live();
    await opened;
  }

  /** Resolves when the line is closed, or within a few seconds. */
  async stop(): Promise<void> {
    this.#stopping.abort(stopped());
    // A line that does not close is its helper's to make safe.
    await withDeadline(this.#options.clock, CLOSE_DEADLINE_MS, this.#life ?? Promise.resolve(), tooLate).catch(
      () => undefined,
    );
  }

  async #live(): Promise<void> {
    const { clock, onChange } = this.#options;
    const { signal } = this.#stopping;
    for (;;) {
      const error = await this.#session();
      if (!signal.aborted) {
        const isNews = this.#failure === undefined;
        this.#failure = error;
        if (isNews) onChange(error);
      }
      this.#onFirst?.();
      await this.#close();
      if (signal.aborted) return;
      await clock.sleep(this.#backoff.nextMs(), signal).catch(() => undefined);
      if (signal.aborted) return;
    }
  }

  /** Opens the line and stays until it is lost or this is stopped; resolves with why. */
  async #session(): Promise<MooringError> {
    const { clock, open, serve, onChange } = this.#options;
    try {
      await this.#call.run('open', OPEN_DEADLINE_MS, open);
      const openedMs = clock.monotonicMs();
      this.#isOpen = true;
      const wasFailed = this.#failure !== undefined;
      this.#failure = undefined;
      if (wasFailed) onChange(undefined);
      this.#onFirst?.();
      try {
        await this.#call.run('serve', undefined, serve);
      } finally {
        this.#isOpen = false;
        if (clock.monotonicMs() - openedMs >= STABLE_MS) this.#backoff.reset();
      }
      return stopped();
    } catch (cause) {
      const error = toMooringError(cause, 'ACTUATOR_FAILED', 'the line failed');
      return error.code === 'DEADLINE' ? tooLate() : error;
    }
  }

  async #close(): Promise<void> {
    await this.#call.returned();
    try {
      await this.#call.runLast('close', CLOSE_DEADLINE_MS, async () => await this.#options.close());
    } catch {
      // It is opened afresh, or this process ends: either says more than an error of its closing.
      await this.#call.returned();
    }
  }
}

function stopped(): MooringError {
  return new MooringError('ACTUATOR_FAILED', 'the line is not watched any more');
}

function tooLate(): MooringError {
  return new MooringError('DEADLINE', 'the line did not answer in time');
}
