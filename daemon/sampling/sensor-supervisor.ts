import assert from 'node:assert/strict';
import type { Reading, Sensor } from '../../drivers/driver.ts';
import { Backoff } from '../../runtime/backoff.ts';
import { type Clock, withDeadline } from '../../runtime/clock.ts';
import { MooringError, toMooringError } from '../../runtime/errors.ts';
import type { Log } from '../../runtime/log.ts';
import type { Random } from '../../runtime/random.ts';
import { deadlinePassed, GuardedCall } from './guarded-call.ts';

/**
 * `opening` until it was first open; `waiting` until it first gave a reading; `ok`; `failed` from the first error until
 * the next reading; `hung` while a call that passed its deadline has not come back; `stopped`.
 */
export type SensorState = 'opening' | 'waiting' | 'ok' | 'failed' | 'hung' | 'stopped';

export interface SensorSupervisorOptions {
  readonly sensor: Sensor;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** What a pushed sensor says, as it says it. */
  readonly onReading: (reading: Reading) => void;
  /** Once when it has failed, with why; once when it gives readings again, without. */
  readonly onChange: (error: MooringError | undefined) => void;
}

const OPEN_DEADLINE_MS = 10_000;
const CLOSE_DEADLINE_MS = 3000;
const REOPEN = { firstMs: 1000, maxMs: 30_000 } as const;
/** A sensor that gives readings for this long after it was opened is well again: the next wait is short once more. */
const STABLE_MS = 10_000;
/** Samples in a row that may fail with `retry: now` before the sensor itself counts as failed. */
const STRIKES_MAX = 3;

/**
 * Keeps one sensor open: opens it, closes and reopens it with back-off after errors, and never calls it while an earlier
 * call is under way, however long that takes. Whoever asks it for a sample gets an answer within the deadline.
 */
export class SensorSupervisor {
  readonly #options: SensorSupervisorOptions;
  readonly #backoff: Backoff;
  readonly #call: GuardedCall;
  readonly #stopping = new AbortController();
  #isOpen = false;
  #openedMs = 0;
  #strikes = 0;
  #failure: MooringError | undefined;
  #state: 'opening' | 'waiting' | 'ok' | 'failed' | 'stopped' = 'opening';
  #lastReadingMs: number | undefined;
  #endSession: ((error: MooringError) => void) | undefined;
  #firstOpened: (() => void) | undefined;
  #life: Promise<void> | undefined;

  constructor(options: SensorSupervisorOptions) {
    this.#options = options;
    this.#backoff = new Backoff(REOPEN, options.random);
    this.#call = new GuardedCall(options.clock, this.#stopping.signal);
  }

  get state(): SensorState {
    return this.#state === 'failed' && this.#call.isOverdue ? 'hung' : this.#state;
  }

  /** Why it is not ok. */
  get failure(): MooringError | undefined {
    return this.#failure;
  }

  /** When it last gave a reading, on the monotonic clock. */
  get lastReadingMs(): number | undefined {
    return this.#lastReadingMs;
  }

  /** Resolves when the first attempt to open it has ended, either way. */
  async start(): Promise<void> {
    assert(this.#life === undefined, 'a sensor is started once');
    const opened = new Promise<void>((resolve) => {
      this.#firstOpened = resolve;
    });
    this.#life = this.#live();
    await opened;
  }

  /** A polled sensor's sample; undefined where it has failed, is not open, or has not come back from the last call. */
  async sample(deadlineMs: number): Promise<Reading | undefined> {
    const { sensor } = this.#options;
    assert(sensor.mode === 'polled', 'only a polled sensor is asked');
    if (!this.#isOpen || this.#call.isOut) return undefined;
    try {
      const reading = await this.#call.run('sample', deadlineMs, async (signal) => await sensor.sample(signal));
      this.#succeed();
      return reading;
    } catch (cause) {
      this.#miss(toMooringError(cause, 'SENSOR_FAILED', 'the sensor failed'));
      return undefined;
    }
  }

  /** Closes the sensor. Resolves within a few seconds, even where the sensor does not come back. */
  async stop(): Promise<void> {
    this.#stopping.abort(stopped());
    this.#endSession?.(stopped());
    if (this.#life === undefined) return;
    try {
      await withDeadline(this.#options.clock, CLOSE_DEADLINE_MS, this.#life, () =>
        deadlinePassed('close', CLOSE_DEADLINE_MS),
      );
    } catch (error) {
      this.#options.log.warn({ err: error }, 'the sensor was left behind');
    }
    this.#state = 'stopped';
  }

  async #live(): Promise<void> {
    for (;;) {
      const error = await this.#session();
      if (!this.#stopping.signal.aborted) this.#fail(error);
      this.#firstOpened?.();
      await this.#close();
      if (this.#stopping.signal.aborted || error.retry === 'never') return;
      await this.#pause(error.retry === 'now' && this.#backoff.attempts === 0);
      if (this.#stopping.signal.aborted) return;
    }
  }

  /** Opens the sensor and stays until it fails or is stopped; resolves with why. */
  async #session(): Promise<MooringError> {
    const { sensor } = this.#options;
    try {
      await this.#call.run('open', OPEN_DEADLINE_MS, async (signal) => await sensor.open(signal));
      this.#isOpen = true;
      this.#openedMs = this.#options.clock.monotonicMs();
      this.#strikes = 0;
      if (this.#state === 'opening') this.#state = 'waiting';
      this.#firstOpened?.();
      if (sensor.mode === 'polled') {
        return await new Promise<MooringError>((resolve) => {
          this.#endSession = resolve;
          if (this.#stopping.signal.aborted) resolve(stopped());
        });
      }
      await this.#call.run('readings', undefined, async (signal) => {
        for await (const reading of sensor.readings(signal)) {
          this.#succeed();
          this.#options.onReading(reading);
        }
      });
      return new MooringError('SENSOR_FAILED', 'the sensor has stopped speaking');
    } catch (cause) {
      return toMooringError(cause, 'SENSOR_FAILED', 'the sensor failed');
    } finally {
      this.#isOpen = false;
      this.#endSession = undefined;
    }
  }

  async #close(): Promise<void> {
    const { sensor, log } = this.#options;
    // However late: a driver's methods are never called while another of them runs.
    await this.#call.returned();
    try {
      await this.#call.runLast('close', CLOSE_DEADLINE_MS, async () => await sensor.close());
    } catch (error) {
      log.warn({ err: error }, 'the sensor did not close');
      await this.#call.returned();
    }
  }

  async #pause(isFirst: boolean): Promise<void> {
    const waitMs = this.#backoff.nextMs();
    if (isFirst) return;
    await this.#options.clock.sleep(waitMs, this.#stopping.signal).catch(() => undefined);
  }

  #succeed(): void {
    this.#lastReadingMs = this.#options.clock.monotonicMs();
    this.#strikes = 0;
    // Not at the first reading: a sensor that comes and goes would be reopened, and reported, without a pause.
    if (this.#lastReadingMs - this.#openedMs >= STABLE_MS) this.#backoff.reset();
    if (this.#state === 'ok' || this.#stopping.signal.aborted) return;
    const wasFailed = this.#state === 'failed';
    this.#state = 'ok';
    this.#failure = undefined;
    if (!wasFailed) return;
    this.#options.log.info({}, 'the sensor is back');
    this.#options.onChange(undefined);
  }

  #miss(error: MooringError): void {
    if (this.#stopping.signal.aborted) return;
    this.#strikes += 1;
    if (error.retry === 'now' && this.#strikes < STRIKES_MAX) return;
    // Reported here and not by the session, so that it stands before the record that lacks the sample.
    this.#fail(error);
    this.#endSession?.(error);
  }

  #fail(error: MooringError): void {
    const wasFailed = this.#state === 'failed';
    const isNews = !wasFailed || this.#failure?.code !== error.code;
    this.#state = 'failed';
    this.#failure = error;
    if (isNews) this.#options.log.warn({ err: error, code: error.code }, 'the sensor has failed');
    if (!wasFailed) this.#options.onChange(error);
  }
}

function stopped(): MooringError {
  return new MooringError('SENSOR_FAILED', 'the sensor is being closed', { retry: 'never' });
}
