import assert from 'node:assert/strict';
import { aborted } from '../../../runtime/aborted.ts';
import { Backoff } from '../../../runtime/backoff.ts';
import type { Clock } from '../../../runtime/clock.ts';
import { type ErrorCode, MooringError } from '../../../runtime/errors.ts';
import type { Log } from '../../../runtime/log.ts';
import type { Random } from '../../../runtime/random.ts';
import type { KafkaClient } from '../../recordlog/kafka/client.ts';
import type { FeedMark } from './feed-mark.ts';
import type { PoisonLetter, PoisonLetters } from './poison-letters.ts';
import { FeedSession, isEnding } from './session.ts';
import { StartingPoint, type Starts } from './starting-point.ts';
import type { Survey } from './survey.ts';
import type { FeedTarget } from './target.ts';
import { Watch } from './watch.ts';

export interface FeedOptions<Item> {
  /** Owned: opened and closed here. */
  readonly target: FeedTarget<Item>;
  readonly client: KafkaClient;
  readonly topic: string;
  /** Of the topic, as the configuration has it. */
  readonly partitions: number;
  readonly group: string;
  readonly deadLetters: PoisonLetters;
  /** Owned. Of a target that keeps no positions; left out: Kafka alone knows how far it is. */
  readonly mark?: FeedMark;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Resolves when the topic is there: nothing is read before, and no word said of it. Left out: it is there. */
  readonly ready?: Promise<void>;
  /** Bytes that may be read and not written before nothing more is fetched; 8 MiB when left out. */
  readonly bytesMax?: number;
  /** Where what is to be read next is gone, or the log is another: go on, this once, with the earliest that there is. */
  readonly resumeAtEarliest?: boolean;
  /**
   * The feed has ended for good, and with it the centre has to (`LOG_CHANGED`, `LOG_UNFIT`, a place that is unfit).
   * `LOG_EXPIRED` is not told here: it is of this sink alone.
   */
  readonly onFatal?: (error: MooringError) => void;
}

export interface FeedStatus {
  readonly name: string;
  /**
   * `starting`: also while Kafka is out of reach; `standing by`: another process writes there; `failed`: the sink takes
   * nothing, and is tried again; `stopped`: closed, or ended for good with `lastError`.
   */
  readonly state: 'starting' | 'standing by' | 'feeding' | 'failed' | 'stopped';
  /** Messages that are in the log and not durable in the sink, of the partitions that are read here; undefined: not known. */
  readonly lag: number | undefined;
  /** Messages that the sink can never take, and that the dead letter has from here since the start; a repeat counts again. */
  readonly letters: number;
  /** What is wrong now, or what has ended the feed. */
  readonly lastError: MooringError | undefined;
}

const BYTES_MAX = 8 * 2 ** 20;
const RETRY = { firstMs: 500, maxMs: 10_000 };
/** What is found out about the log for good is believed the second time: a broker that has just started may be behind. */
const DOUBTFUL: ReadonlySet<ErrorCode> = new Set(['LOG_UNFIT', 'LOG_EXPIRED', 'LOG_CHANGED']);
/** How long the log is given to look right again, in milliseconds. */
const CONFIRM_MS = 4000;
const TARGET_RETRY = { firstMs: 500, maxMs: 60_000 };

/**
 * From a topic into a place, for ever: whatever becomes of Kafka or of the place, it is tried again, and everything is
 * there at least once; the target makes that once. Each feed is for itself: none waits for another.
 */
export class Feed<Item> {
  readonly #options: FeedOptions<Item>;
  readonly #target: FeedTarget<Item>;
  readonly #log: Log;
  readonly #backoff: Backoff;
  readonly #startingPoint: StartingPoint<Item>;
  readonly #aborted = new AbortController();
  #work: Promise<void> | undefined;
  #state: FeedStatus['state'] = 'starting';
  #error: MooringError | undefined;
  #letters = 0;
  #session: FeedSession<Item> | undefined;
  #survey: Survey | undefined;
  /** Sessions in a row that Kafka has ended, or not begun. */
  #failures = 0;
  /** Kafka is out of reach, and that was told. */
  #isOut = false;
  /** What was found out about the log, once, and neither writing nor looking at it has refuted since. */
  #suspicion: MooringError | undefined;

  constructor(options: FeedOptions<Item>) {
    const { target, log, topic, random } = options;
    this.#options = options;
    this.#target = target;
    this.#log = log.child({ sink: target.name, topic });
    this.#backoff = new Backoff(RETRY, random);
    this.#startingPoint = new StartingPoint({ ...options, log: this.#log });
  }

  /** Begins, and returns at once: nobody waits for a sink. */
  start(): void {
    assert(this.#work === undefined, 'started once');
    this.#work = this.#run();
  }

  status(): FeedStatus {
    const isStandingBy = this.#state === 'starting' && this.#target.isStandingBy;
    return {
      name: this.#target.name,
      state: isStandingBy ? 'standing by' : this.#state,
      lag: this.#session?.lag(this.#survey?.spans ?? []),
      letters: this.#letters,
      lastError: this.#error,
    };
  }

  /** Finishes the write that is under way and commits how far it is; what waits besides is read again next time. */
  async close(): Promise<void> {
    this.#aborted.abort();
    // The write under way must not wait for its turn.
    await this.#target.close();
    await this.#work;
    this.#state = 'stopped';
  }

  async #putAside(letters: readonly PoisonLetter[]): Promise<void> {
    await this.#options.deadLetters.appendMessages(letters);
    this.#letters += letters.length;
  }

  async #run(): Promise<void> {
    const { signal } = this.#aborted;
    const { mark } = this.#options;
    try {
      await mark?.open();
      await this.#openTarget(signal);
      await Promise.race([this.#options.ready, aborted(signal)]);
      while (!signal.aborted) {
        await this.#serve(signal).catch((error: unknown) => this.#lost(error));
        await this.#pause(this.#suspicion === undefined ? this.#backoff.nextMs() : CONFIRM_MS);
      }
    } catch (error) {
      this.#ended(error);
    } finally {
      this.#state = 'stopped';
      await this.#target.close();
      await mark?.close();
    }
  }

  /** Before the group: a copy that stands by must not hold partitions that it cannot write. */
  async #openTarget(signal: AbortSignal): Promise<void> {
    const backoff = new Backoff(TARGET_RETRY, this.#options.random);
    while (!signal.aborted) {
      try {
        await this.#target.open(signal);
        this.#onWriting(undefined);
        return;
      } catch (error) {
        if (signal.aborted) return;
        if (!(error instanceof MooringError) || error.retry === 'never') throw error;
        this.#onWriting(error);
      }
      await this.#pause(backoff.nextMs());
    }
  }

  /** One look, and one membership in the group after it. */
  async #serve(signal: AbortSignal): Promise<void> {
    const watch = new Watch(this.#options);
    try {
      const found = await watch.look();
      this.#startingPoint.recognise(found);
      const session = new FeedSession({
        ...this.#options,
        deadLetters: { appendMessages: (letters) => this.#putAside(letters) },
        log: this.#log,
        bytesMax: this.#options.bytesMax ?? BYTES_MAX,
        logName: found.logName,
        findStarts: (partitions, over) => this.#findStarts(watch, partitions, over),
        onCommitted: (offsets) => this.#options.mark?.note({ log: found.logName, offsets }),
        onWriting: (error) => this.#onWriting(error),
      });
      this.#session = session;
      watch.start({
        onLook: (again) => this.#looked(session, again),
        onAway: (error) => this.#away(error),
        onUnfit: (error) => session.fail(error),
      });
      await session.run(signal, () => this.#joined());
    } finally {
      this.#session = undefined;
      await watch.close();
    }
  }

  /** At each assignment, as much may have changed since the one before: whole outages lie in between. */
  async #findStarts(watch: Watch, partitions: readonly number[], signal: AbortSignal): Promise<Starts> {
    const found = await watch.look();
    const spans = this.#startingPoint.recognise(found);
    const { logName } = found;
    const isSure = this.#suspicion?.code === 'LOG_EXPIRED';
    const { admin } = watch;
    const starts = await this.#startingPoint.find(partitions, { admin, logName, spans, signal, isSure });
    this.#survey = found;
    return starts;
  }

  #looked(session: FeedSession<Item>, found: Survey): void {
    const spans = this.#startingPoint.recognise(found);
    this.#survey = found;
    if (session.isCutOff(spans)) {
      throw new MooringError('LOG_EXPIRED', 'the log ends before what was read of it', { context: { spans } });
    }
    this.#suspicion = undefined;
    if (this.#isOut) this.#joined();
  }

  #joined(): void {
    this.#log.info({}, this.#isOut ? 'the log is read again' : 'reading the log');
    this.#isOut = false;
    this.#failures = 0;
    this.#error = undefined;
    this.#state = 'feeding';
    this.#backoff.reset();
  }

  /** Kafka is away, as a rule. What will not pass by itself ends the feed. */
  #lost(error: unknown): void {
    if (this.#aborted.signal.aborted && isEnding(error)) return;
    if (!(error instanceof MooringError)) throw error;
    if (error.retry === 'never') {
      if (this.#suspicion !== undefined || !DOUBTFUL.has(error.code)) throw error;
      this.#suspicion = error;
    }
    this.#failures += 1;
    this.#error = error;
    this.#state = 'starting';
    // A broker that never had a group has to make a place for the first one, and lets it in a moment later.
    if (this.#failures > 1 || error.retry === 'never') this.#away(error);
  }

  #away(error: MooringError): void {
    if (!this.#isOut) this.#log.warn({ err: error }, 'the log is not read; trying again');
    this.#isOut = true;
    this.#error = error;
    this.#state = 'starting';
  }

  /** The target takes nothing, or takes all again. */
  #onWriting(error: MooringError | undefined): void {
    if (error === undefined && this.#session !== undefined) {
      this.#suspicion = undefined;
      this.#startingPoint.begun();
    }
    if ((error === undefined) === (this.#state !== 'failed')) return;
    if (error === undefined) this.#log.info({}, 'the sink works again');
    else this.#log.error({ err: error }, 'the sink fails; trying again');
    this.#error = error;
    this.#state = error !== undefined ? 'failed' : this.#session === undefined ? 'starting' : 'feeding';
  }

  #ended(error: unknown): void {
    if (!(error instanceof MooringError)) throw error;
    this.#error = error;
    this.#log.error({ err: error }, 'the sink is fed no more');
    if (error.code !== 'LOG_EXPIRED') this.#options.onFatal?.(error);
  }

  async #pause(durationMs: number): Promise<void> {
    const { signal } = this.#aborted;
    try {
      await this.#options.clock.sleep(durationMs, signal);
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }
}
