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
  /** An append that is not answered for this long starves the watchdog. */
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
  #lostReason: string | undefined;

  constructor(options: RecorderOptions) {
    this.#options = options;
    this.#waitingMax = options.waitingMax ?? WAITING_MAX;
    this.#deadlineMs = options.deadlineMs ?? DEADLINE_MS;
  }

  /** Observations that are on disk. */
  get committed(): number {
    return this.#committed;
  }

  /** Observations handed over and not yet answered. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** Hands an observation to the store. The outcome is counted, logged and, where it was lost, recorded. */
  record(observation: Observation, options: AppendOptions = { urgent: false }): void {
    if (this.#waiting.size >= this.#waitingMax) {
      this.#lose('the store does not answer', 'STORE_STALLED');
      return;
    }
    const ticket = Symbol();
    this.#waiting.set(ticket, this.#options.clock.monotonicMs());
    this.#options.store.append([observation], options).then(
      ({ first }) => {
        this.#waiting.delete(ticket);
        this.#answered({ ...observation, sequence: first });
        this.#wakeIdle();
      },
      (cause: unknown) => {
        this.#waiting.delete(ticket);
        this.#refused(observation, toMooringError(cause, 'STORE_FAILED', 'the store failed'));
        this.#wakeIdle();
      },
    );
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

  #answered(record: SequencedRecord): void {
    this.#committed += 1;
    this.#options.onCommitted(record);
    if (this.#lost === 0) return;
    const info = { event: 'not_stored', count: this.#lost, reason: this.#lostReason ?? 'STORE_FAILED' };
    this.#options.log.warn({ count: info.count, code: info.reason }, 'the store takes records again');
    this.#lost = 0;
    this.#lostReason = undefined;
    this.#event(info);
  }

  #refused(observation: Observation, error: MooringError): void {
    if (error.code !== 'RECORD_INVALID' && error.code !== 'RECORD_TOO_LARGE') {
      this.#lose(error.message, error.code, error);
      return;
    }
    this.#options.log.error({ err: error, station: observation.station }, 'a record was refused');
    // A refused report must not report itself, for ever.
    if (observation.info?.event === 'record_refused') return;
    this.#event({ event: 'record_refused', refused_station: observation.station, reason: error.code });
  }

  #lose(message: string, code: string, err?: Error): void {
    if (this.#lostReason !== code) {
      this.#options.log.error({ code, reason: message, err }, 'records cannot be stored');
      this.#lostReason = code;
    }
    this.#lost += 1;
  }

  #wakeIdle(): void {
    if (this.#waiting.size === 0) for (const wake of this.#idle.splice(0)) wake();
  }

  #event(info: Readonly<Record<string, string | number>>): void {
    const label = this.#options.label();
    this.record({ station: GATEWAY_STATION, kind: 'event', ...label, metrics: {}, flags: {}, info }, { urgent: true });
  }
}
