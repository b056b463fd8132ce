import assert from 'node:assert/strict';
import type { Ack } from '../../protocol/ack.ts';
import { Backoff } from '../../runtime/backoff.ts';
import { type Clock, withDeadline } from '../../runtime/clock.ts';
import { MooringError, toMooringError } from '../../runtime/errors.ts';
import type { Log } from '../../runtime/log.ts';
import type { Random } from '../../runtime/random.ts';
import type { Transport } from './transport.ts';

export type LinkState = 'up' | 'down' | 'connecting';

export interface LinkOptions {
  readonly transport: Transport;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly onAck: (ack: Ack) => void;
  readonly onUp: () => void;
  /** Once after each `onUp`. */
  readonly onDown: () => void;
}

const REOPEN = { firstMs: 500, maxMs: 60_000 } as const;
/** A link that stays open for this long without an ack is well all the same: the next wait is short once more. */
const STABLE_MS = 60_000;
/** A transport keeps deadlines of its own; these hold for one that does not. */
const OPEN_DEADLINE_MS = 60_000;
const CLOSE_DEADLINE_MS = 1000;

/** Keeps a transport open: opens it again with back-off and full jitter, for ever. Logs changes, not attempts. */
export class Link {
  readonly #options: LinkOptions;
  readonly #backoff: Backoff;
  readonly #stopping = new AbortController();
  #state: LinkState = 'down';
  #sinceMs: number;
  #lastError: MooringError | undefined;
  /** The code that the log has last heard; undefined while the link is up. */
  #reported: string | undefined;
  #endSession: ((error: Error) => void) | undefined;
  #life: Promise<void> | undefined;

  constructor(options: LinkOptions) {
    this.#options = options;
    this.#backoff = new Backoff(REOPEN, options.random);
    this.#sinceMs = options.clock.monotonicMs();
  }

  get state(): LinkState {
    return this.#state;
  }

  /** When it came into this state, on the monotonic clock. */
  get sinceMs(): number {
    return this.#sinceMs;
  }

  /** Why it is not up. */
  get lastError(): MooringError | undefined {
    return this.#lastError;
  }

  start(): void {
    assert(this.#life === undefined, 'a link is started once');
    this.#life = this.#live();
  }

  /** Ends the session: what was to be sent cannot be. It is opened again. */
  fail(error: Error): void {
    this.#endSession?.(error);
  }

  /** An ack came: only this, or standing for a while, proves that the link is good. */
  proven(): void {
    this.#backoff.reset();
  }

  /** Closes the transport, within a second where that can be; for good. */
  async stop(): Promise<void> {
    this.#stopping.abort(stopped());
    this.#endSession?.(stopped());
    await this.#life;
  }

  async #live(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      const error = await this.#session();
      await this.#close();
      if (this.#stopping.signal.aborted) break;
      this.#report(error);
      await this.#pause();
    }
    this.#enter('down');
  }

  /** Opens the transport and stays until it is down or stopped; resolves with why. */
  async #session(): Promise<MooringError> {
    const { transport, clock, onAck, onUp, onDown } = this.#options;
    this.#enter('connecting');
    const down = new Promise<Error>((resolve) => {
      this.#endSession = resolve;
    });
    const giveUp = new AbortController();
    const opening = transport.open({ onAck, onDown: (error) => this.#endSession?.(error) }, giveUp.signal);
    const cancel = clock.after(OPEN_DEADLINE_MS, () => this.#endSession?.(silent()));
    try {
      const failure = await Promise.race([opening, down]);
      if (failure !== undefined) {
        giveUp.abort(failure);
        // However it ends, it is closed next.
        opening.catch(() => undefined);
        return toMooringError(failure, 'LINK_DOWN', 'the link is down');
      }
    } catch (cause) {
      return toMooringError(cause, 'LINK_DOWN', 'the link cannot be opened');
    } finally {
      cancel();
    }
    this.#enter('up');
    const upMs = clock.monotonicMs();
    this.#options.log.info({ url: transport.url }, 'the link is up');
    this.#reported = undefined;
    this.#lastError = undefined;
    onUp();
    const error = await down;
    this.#endSession = undefined;
    this.#enter('down');
    if (clock.monotonicMs() - upMs >= STABLE_MS) this.#backoff.reset();
    onDown();
    return toMooringError(error, 'LINK_DOWN', 'the link is down');
  }

  #report(error: MooringError): void {
    this.#enter('down');
    this.#lastError = error;
    if (this.#reported === error.code) return;
    this.#reported = error.code;
    const { log, transport } = this.#options;
    log.warn({ err: error, code: error.code, hint: error.hint, url: transport.url }, 'the link is down');
  }

  async #close(): Promise<void> {
    this.#endSession = undefined;
    const { transport, clock, log } = this.#options;
    try {
      await withDeadline(clock, CLOSE_DEADLINE_MS, transport.close(), silent);
    } catch (err) {
      log.warn({ err }, 'the link did not close');
    }
  }

  async #pause(): Promise<void> {
    const { clock } = this.#options;
    try {
      await clock.sleep(this.#backoff.nextMs(), this.#stopping.signal);
    } catch {
      // Stopped: the loop sees it.
    }
  }

  #enter(state: LinkState): void {
    if (this.#state === state) return;
    this.#state = state;
    this.#sinceMs = this.#options.clock.monotonicMs();
  }
}

function silent(): MooringError {
  return new MooringError('LINK_SILENT', 'the transport did not answer');
}

function stopped(): MooringError {
  return new MooringError('LINK_DOWN', 'the link is being closed', { retry: 'never' });
}
