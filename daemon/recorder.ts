import type { Observation, SequencedRecord } from '../protocol/record.ts';
import { GATEWAY_STATION } from '../protocol/record.ts';
import type { Clock } from '../runtime/clock.ts';
import { type MooringError, toMooringError } from '../runtime/errors.ts';
import type { Log } from '../runtime/log.ts';
import type { HealthCheck } from './ops/watchdog.ts';
import type { AppendOptions, Store } from './store/store.ts';

export interface RecorderOptions {
  readonly store: Pick<Store, 'append'>;
  readonly clock: Clock;
  readonly log: Log;
  /** Labels the records that the recorder writes about itself. */
  readonly label: () => Pick<Observation, 'timestampMs' | 'clock'>;
  /** Called when an observation is on disk, with its place in the run: there is something to forward. */
  readonly onCommitted: (record: SequencedRecord) => void;
  /** Observations that may wait for the disk at once; what comes beyond is counted and reported, not kept. */
  readonly waitingMax?: number;
  /** How long the store may let a record wait for others to share its commit, in milliseconds; none when left out. */
  readonly lingerMs?: number;
  /** An append that is not answered for this long, beside the linger, starves the watchdog. */
  readonly deadlineMs?: number;
}

const WAITING_MAX = 20_000;
const DEADLINE_MS = 30_000;

/**
 * Between whoever observes and the store: never blocks the caller, waits for no more than it may, and turns what could
 * not be kept into a record of its own as soon as the store takes records again.
 */
export class Recorder {
  readonly #options: RecorderOptions;
  readonly #waitingMax: number;
  readonly #deadlineMs: number;
  /** When each unanswered append was handed over; insertion order is time order. */
  readonly #waiting = new Map<symbol, number>();
  #idle: (() => void)[] = [];
  #committed = 0;
  #lost = 0;
  #lostReason = '';
  /** Of those lost: no record on disk tells of them yet. */
  #unreported = 0;
  #isReporting = false;
  /** Code of why the store takes nothing, while it does not. */
  #trouble: string | undefined;

  constructor(options: RecorderOptions) {
    this.#options = options;
    this.#waitingMax = options.waitingMax ?? WAITING_MAX;
    this.#deadlineMs = (options.deadlineMs ?? DEADLINE_MS) + (options.lingerMs ?? 0);
  }

  /** Observations that are on disk. */
  get committed(): number {
    return this.#committed;
  }

  /** Observations handed over and not yet answered. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** Observations that could not be stored, the recorder's own reports of that not included. */
  get lost(): number {
    return this.#lost;
  }

  /** Hands an observation to the store. The outcome is counted, logged and, where it was lost, recorded. */
  record(observation: Observation, options: AppendOptions = { urgent: false }): void {
    if (this.#waiting.size >= this.#waitingMax) {
      this.#lose('the store does not answer', 'STORE_STALLED');
      return;
    }
    this.#append(observation, options, (error) => this.#refused(observation, error));
  }

  /** Resolves when every observation so far was answered. */
  async settled(): Promise<void> {
    if (this.#waiting.size === 0) return;
    await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  readonly health: HealthCheck = (nowMonotonicMs) => {
    const oldest = this.#waiting.values().next();
    if (oldest.done === true || nowMonotonicMs - oldest.value <= this.#deadlineMs) return undefined;
    return 'the store has not answered an append within its deadline';
  };

  #append(
    observation: Observation,
    options: AppendOptions,
    onRefused: (error: MooringError) => void,
    onStored?: () => void,
  ): void {
    const ticket = Symbol();
    this.#waiting.set(ticket, this.#options.clock.monotonicMs());
    this.#options.store.append([observation], options).then(
      ({ first }) => {
        this.#waiting.delete(ticket);
        onStored?.();
        this.#answered({ ...observation, sequence: first });
        this.#wakeIdle();
      },
      (cause: unknown) => {
        this.#waiting.delete(ticket);
        onRefused(toMooringError(cause, 'STORE_FAILED', 'the store failed'));
        this.#wakeIdle();
      },
    );
  }

  #answered(record: SequencedRecord): void {
    this.#committed += 1;
    this.#options.onCommitted(record);
    if (this.#trouble !== undefined) {
      this.#options.log.warn({ lost: this.#unreported, code: this.#trouble }, 'the store takes records again');
      this.#trouble = undefined;
    }
    this.#report();
  }

  /** What was lost counts as reported when the report itself is on disk. */
  #report(): void {
    if (this.#unreported === 0 || this.#isReporting) return;
    const count = this.#unreported;
    this.#isReporting = true;
    this.#append(
      this.#event({ event: 'not_stored', count, reason: this.#lostReason }),
      { urgent: true },
      (error) => {
        this.#isReporting = false;
        this.#troubled(error.message, error.code, error);
      },
      () => {
        this.#isReporting = false;
        this.#unreported -= count;
      },
    );
  }

  #refused(observation: Observation, error: MooringError): void {
    if (error.code !== 'RECORD_INVALID' && error.code !== 'RECORD_TOO_LARGE') {
      this.#lose(error.message, error.code, error);
      return;
    }
    this.#options.log.error({ err: error, station: observation.station }, 'a record was refused');
    // A refused report must not report itself, for ever.
    if (observation.info?.event === 'record_refused') return;
    this.record(this.#event({ event: 'record_refused', refused_station: observation.station, reason: error.code }), {
      urgent: true,
    });
  }

  #lose(message: string, code: string, err?: Error): void {
    this.#troubled(message, code, err);
    this.#lost += 1;
    this.#unreported += 1;
    this.#lostReason = code;
  }

  #troubled(message: string, code: string, err?: Error): void {
    if (this.#trouble === code) return;
    this.#options.log.error({ code, reason: message, err }, 'records cannot be stored');
    this.#trouble = code;
  }

  #wakeIdle(): void {
    if (this.#waiting.size === 0) for (const wake of this.#idle.splice(0)) wake();
  }

  #event(info: Readonly<Record<string, string | number>>): Observation {
    return { station: GATEWAY_STATION, kind: 'event', ...this.#options.label(), metrics: {}, flags: {}, info };
  }
}
