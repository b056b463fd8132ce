import type { Observation, SequencedRecord } from '../protocol/record.ts';
import { GATEWAY_STATION } from '../protocol/record.ts';
import type { Clock } from '../runtime/clock.ts';
import { type MooringError, toMooringError } from '../runtime/errors.ts';
import type { Log } from '../runtime/log.ts';
import type { HealthCheck } from './ops/watchdog.ts';
import type { AppendOptions, Store } from './store/store.ts';

export interface RecorderOptions {
  readonly store: Pick<Store, 'append' | 'flush'>;
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
/** An alarm finds room where samples find none any more. */
const URGENT_SHARE = 1.25;
const DEADLINE_MS = 30_000;
/** How long a store that does not take the beginning of a run is left alone, in milliseconds. */
const BEGIN_AGAIN_MS = 1000;

interface Handed {
  readonly observation: Observation;
  readonly options: AppendOptions;
}

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
  /** What the run begins with and is not on disk yet, in steps: each waits until the one before it is. */
  #opening: Observation[][] = [];
  #attempt: Promise<void> = Promise.resolve();
  #cancelAttempt: (() => void) | undefined;
  /** Handed over while the run has not begun; undefined once it has. */
  #held: Handed[] | undefined;
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
    return this.#waiting.size + (this.#held?.length ?? 0);
  }

  /** Observations that could not be stored, the recorder's own reports of that not included. */
  get lost(): number {
    return this.#lost;
  }

  /** Before there is a run to begin: what is recorded from now on waits for it. */
  hold(): void {
    this.#held = [];
  }

  /**
   * Stores what a run begins with, the first of it before the rest, and tries again until it is on disk. What is recorded
   * meanwhile waits, so that nothing observed stands before it; only a gap of the store's own may. Resolves after the first attempt, whatever came of it.
   */
  async begin([first, ...rest]: readonly [Observation, ...Observation[]]): Promise<void> {
    this.#opening = [[first], rest];
    this.#held ??= [];
    await this.#tryToBegin();
  }

  /** Hands an observation to the store. The outcome is counted, logged and, where it was lost, recorded. */
  record(observation: Observation, options: AppendOptions = { urgent: false }): void {
    const room = this.#waitingMax * (options.urgent ? URGENT_SHARE : 1);
    if (this.#held !== undefined) {
      // No more than there is room for when they all go to the store at once.
      if (this.#held.length < room / 2) this.#held.push({ observation, options });
      else this.#lose('the run cannot begin', this.#trouble ?? 'STORE_STALLED');
      return;
    }
    if (this.#waiting.size >= room) {
      this.#lose('the store does not answer', 'STORE_STALLED');
      return;
    }
    this.#append(observation, options, (error) => this.#refused(observation, error));
  }

  /**
   * Resolves when every observation so far was answered, for which the store waits for nothing. A run that could not begin
   * until now is tried once more, and else lost.
   */
  async settled(): Promise<void> {
    await this.#lastAttempt();
    await this.#options.store.flush();
    if (this.#waiting.size > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  readonly health: HealthCheck = (nowMonotonicMs) => {
    const oldest = this.#waiting.values().next();
    if (oldest.done === true || nowMonotonicMs - oldest.value <= this.#deadlineMs) return undefined;
    return 'the store has not answered an append within its deadline';
  };

  #tryToBegin(): Promise<void> {
    this.#attempt = this.#begin();
    return this.#attempt;
  }

  async #begin(): Promise<void> {
    for (let step = this.#opening[0]; step !== undefined; step = this.#opening[0]) {
      const stored = await Promise.all(step.map(async (observation) => await this.#stored(observation)));
      this.#opening[0] = step.filter((_, index) => stored[index] === false);
      if (this.#opening[0].length > 0) {
        this.#cancelAttempt = this.#options.clock.after(BEGIN_AGAIN_MS, () => void this.#tryToBegin());
        return;
      }
      this.#opening.shift();
    }
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const { observation, options } of held) this.record(observation, options);
  }

  async #lastAttempt(): Promise<void> {
    await this.#attempt;
    if (this.#held === undefined) return;
    this.#cancelAttempt?.();
    await this.#tryToBegin();
    this.#cancelAttempt?.();
    const lost = this.#opening.flat().length + (this.#held?.length ?? 0);
    for (let count = 0; count < lost; count += 1) this.#lose('the run cannot begin', this.#trouble ?? 'STORE_FAILED');
    this.#opening = [];
    this.#held = undefined;
  }

  /** Whether a record that a run begins with needs no further attempt. */
  async #stored(observation: Observation): Promise<boolean> {
    return await new Promise<boolean>((resolve) => {
      const onRefused = (error: MooringError): void => {
        const isHopeless = isAtFault(error);
        if (isHopeless) this.#refused(observation, error);
        else this.#troubled(error.message, error.code, error);
        resolve(isHopeless);
      };
      this.#append(observation, { urgent: true }, onRefused, () => resolve(true));
    });
  }

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
    if (!isAtFault(error)) {
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

/** Whether it is the record that was refused, and not the store that failed. */
function isAtFault({ code }: MooringError): boolean {
  return code === 'RECORD_INVALID' || code === 'RECORD_TOO_LARGE';
}
