import { Backoff } from '../../../runtime/backoff.ts';
import type { Clock } from '../../../runtime/clock.ts';
import { MooringError, toMooringError } from '../../../runtime/errors.ts';
import type { Log } from '../../../runtime/log.ts';
import type { Random } from '../../../runtime/random.ts';
import type { ConsumedMessage, KafkaClient, KafkaConsumer, LogSpan } from '../../recordlog/kafka/client.ts';
import { Backlog, type Taken } from './backlog.ts';
import { Batch } from './batch.ts';
import { OffsetCommits } from './offset-commits.ts';
import type { PoisonLetter, PoisonLetters } from './poison-letters.ts';
import type { Starts } from './starting-point.ts';
import type { FeedTarget, WritePace } from './target.ts';

export interface FeedSessionOptions<Item> {
  readonly target: FeedTarget<Item>;
  readonly client: KafkaClient;
  readonly group: string;
  readonly topic: string;
  /** The log's name in positions. */
  readonly logName: string;
  /** Where to begin in these partitions. Rejects where that cannot be, now or ever. The signal: the session is over. */
  readonly findStarts: (partitions: readonly number[], signal: AbortSignal) => Promise<Starts>;
  readonly deadLetters: PoisonLetters;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** The group has these offsets now. */
  readonly onCommitted?: (offsets: Starts) => void;
  /** Bytes that may be read and not written before nothing more is fetched. */
  readonly bytesMax: number;
  /** The target, or the dead letter, takes nothing, or takes all again. */
  readonly onWriting: (error: MooringError | undefined) => void;
}

const NOWHERE: Starts = new Map();
const LETTERS_AT_ONCE = 32;
const RETRY = { firstMs: 500, maxMs: 60_000 };

/** One membership in the group of a sink: from joining it until it ends by itself or is ended. Used once. */
export class FeedSession<Item> {
  readonly #options: FeedSessionOptions<Item>;
  readonly #consumer: KafkaConsumer;
  readonly #commits: OffsetCommits;
  readonly #backlog = new Backlog();
  readonly #backoff: Backoff;
  /** Aborted with the failure, or when the owner closes: nothing is begun from then on. */
  readonly #over = new AbortController();
  #failure: MooringError | undefined;
  /** Resolves when the target is left alone: it is written to and asked where to begin by one at a time. */
  #turn: Promise<void> = Promise.resolve();
  /** Counts assignments and revocations. */
  #assignment = 0;
  #hasBegun = false;
  readonly #partitions = new Set<number>();
  /** By partition that is assigned: the offset of the message that comes next, once it is known. */
  readonly #next = new Map<number, number>();
  /** By partition that is assigned: all before it is durable, once it is known. */
  readonly #written = new Map<number, number>();
  #writtenAtLook: ReadonlyMap<number, number> = new Map();
  readonly #paused = new Set<number>();
  #wake: (() => void) | undefined;

  constructor(options: FeedSessionOptions<Item>) {
    const { client, clock, log, random, group, topic } = options;
    this.#options = options;
    this.#backoff = new Backoff(RETRY, random);
    this.#consumer = client.createConsumer({
      group,
      topic,
      positions: (partitions) => this.#assign(partitions),
      onMessages: (partition, messages) => this.#received(partition, messages),
      onRevoked: (partitions) => this.#revoked(partitions),
      onFailed: (error) => this.fail(toMooringError(error, 'LOG_FAILED', 'the consumer has ended')),
    });
    this.#commits = new OffsetCommits({ clock, log, commit: (offsets) => this.#commit(offsets) });
  }

  /**
   * Feeds until `signal` is aborted; calls `onJoined` when it has begun. Rejects with the `MooringError` that has ended it
   * otherwise. Either way it has left the group then, and no write is under way.
   */
  async run(signal: AbortSignal, onJoined: () => void): Promise<void> {
    const stop = (): void => this.#end();
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
    try {
      await this.#consumer.open(this.#over.signal);
      if (!this.#over.signal.aborted) onJoined();
      await this.#pump();
    } catch (error) {
      if (!this.#over.signal.aborted || !isEnding(error)) throw error;
    } finally {
      signal.removeEventListener('abort', stop);
      this.#end();
      await this.#turn;
      await this.#commits.close(this.#failure === undefined);
      await this.#consumer.close();
    }
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Ends it, with this error. The first one counts. */
  fail(error: MooringError): void {
    if (this.#over.signal.aborted) return;
    this.#failure = error;
    this.#end();
  }

  /**
   * Messages of the partitions that are assigned which are not durable yet, when their logs end there; undefined before the
   * first assignment.
   */
  lag(spans: readonly LogSpan[]): number | undefined {
    if (!this.#hasBegun) return undefined;
    let lag = 0;
    for (const [partition, { first, end }] of spans.entries()) {
      if (this.#partitions.has(partition)) lag += Math.max(0, end - (this.#written.get(partition) ?? first));
    }
    return lag;
  }

  /**
   * Whether a log ends before what had been read of it at the look before this one: what has been read since may be newer
   * than the look.
   */
  isCutOff(spans: readonly LogSpan[]): boolean {
    const before = this.#writtenAtLook;
    this.#writtenAtLook = new Map(this.#written);
    return spans.some(({ end }, partition) => (before.get(partition) ?? 0) > end);
  }

  async #commit(offsets: Starts): Promise<void> {
    await this.#consumer.commit(offsets);
    this.#options.onCommitted?.(offsets);
  }

  #end(): void {
    this.#over.abort();
    this.#wake?.();
  }

  async #assign(partitions: readonly number[]): Promise<Starts> {
    this.#assignment += 1;
    const assignment = this.#assignment;
    const isOver = (): boolean => assignment !== this.#assignment || this.#over.signal.aborted;
    // What was read before is read again, from where the write that is under way will have led.
    for (const partition of [...this.#partitions]) this.#drop(partition);
    const starts = await this.#inTurn(async () => {
      return isOver() ? NOWHERE : await this.#findStarts(partitions);
    });
    // Meanwhile it was asked for others, or these were taken away.
    if (isOver()) return NOWHERE;
    this.#hasBegun = true;
    for (const partition of partitions) {
      this.#partitions.add(partition);
      const start = starts.get(partition);
      if (start === undefined) continue;
      this.#next.set(partition, start);
      this.#written.set(partition, start);
    }
    // Whoever looks at the group may not know yet what the sink had before.
    this.#commits.add(starts);
    this.#resume();
    return starts;
  }

  async #findStarts(partitions: readonly number[]): Promise<Starts> {
    const { signal } = this.#over;
    try {
      return await this.#options.findStarts(partitions, signal);
    } catch (error) {
      if (signal.aborted && isEnding(error)) return NOWHERE;
      throw error;
    }
  }

  #revoked(partitions: readonly number[]): void {
    this.#assignment += 1;
    for (const partition of partitions) this.#drop(partition);
    this.#resume();
  }

  /** What was not written of a partition is not its business any more. */
  #drop(partition: number): void {
    this.#partitions.delete(partition);
    this.#backlog.forget(partition);
    this.#commits.forget(partition);
    this.#next.delete(partition);
    this.#written.delete(partition);
  }

  #received(partition: number, messages: readonly ConsumedMessage[]): void {
    if (this.#over.signal.aborted || !this.#partitions.has(partition)) return;
    const next = this.#next.get(partition);
    const fresh = next === undefined ? messages : messages.filter(({ offset }) => offset >= next);
    const last = fresh.at(-1);
    if (last === undefined) return;
    this.#next.set(partition, last.offset + 1);
    this.#backlog.add(partition, fresh);
    if (this.#backlog.bytes > this.#options.bytesMax) {
      this.#paused.add(partition);
      this.#consumer.pause(partition);
    }
    this.#wake?.();
  }

  /** Half of the room has to be free, so that it does not go back and forth. */
  #resume(): void {
    if (this.#over.signal.aborted || this.#backlog.bytes > this.#options.bytesMax / 2) return;
    for (const partition of this.#paused) this.#consumer.resume(partition);
    this.#paused.clear();
  }

  async #pump(): Promise<void> {
    const { target } = this.#options;
    while (!this.#over.signal.aborted) {
      const pace = target.pace?.();
      const taken = this.#backlog.take(pace);
      if (taken !== undefined) {
        await this.#writeWhole(taken);
        continue;
      }
      await this.#woken();
      if (pace !== undefined && pace.lingerMs > 0) await this.#linger(pace);
    }
  }

  #woken(): Promise<void> {
    return new Promise<void>((wake) => (this.#wake = wake));
  }

  /** Gives what follows the first after an idle time the time to come. */
  async #linger(pace: WritePace): Promise<void> {
    let isOver = false;
    const cancel = this.#options.clock.after(pace.lingerMs, () => {
      isOver = true;
      this.#wake?.();
    });
    while (!isOver && !this.#over.signal.aborted && !this.#backlog.fills(pace)) await this.#woken();
    cancel();
  }

  /** Tries until it is written, or the session is over. Meanwhile what comes waits, as far as there is room. */
  async #writeWhole(taken: Taken): Promise<void> {
    const { target, topic } = this.#options;
    const batch = new Batch(target, topic, taken);
    while (!this.#over.signal.aborted && taken.size > 0) {
      try {
        if (!(await this.#write(taken, batch))) return;
        this.#backoff.reset();
        this.#options.onWriting(undefined);
        return;
      } catch (error) {
        if (!(error instanceof MooringError) || error.retry === 'never') throw error;
        if (this.#over.signal.aborted) return;
        this.#options.onWriting(error);
        await this.#pause();
      }
    }
  }

  /** False where by its turn there is nothing left to write, or not everything has its place when the session ends. */
  async #write(taken: Taken, batch: Batch<Item>): Promise<boolean> {
    await this.#putAside(taken, batch);
    const isWritten = await this.#inTurn(async () => {
      // Partitions may have been taken away by now.
      if (this.#over.signal.aborted || taken.size === 0) return false;
      const { target, logName } = this.#options;
      const offsets = new Map([...taken].map(([partition, { next }]) => [partition, next]));
      batch.refuse(await target.write(batch.items(offsets.keys()), { log: logName, offsets }));
      return true;
    });
    // Where that rejects, the others are written again, and what was refused is asked no more.
    if (!isWritten || !(await this.#putAside(taken, batch))) return false;
    const written = this.#backlog.settle();
    for (const [partition, next] of written) this.#written.set(partition, next);
    this.#commits.add(written);
    this.#resume();
    return true;
  }

  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const before = this.#turn;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#turn = promise;
    await before;
    try {
      return await work();
    } finally {
      resolve();
    }
  }

  /** What the target can never take; false where the session ends before all of it is aside. */
  async #putAside(taken: Taken, batch: Batch<Item>): Promise<boolean> {
    for (const partition of [...taken.keys()]) {
      const letters = batch.letters(partition);
      await this.#putLetters(letters);
      if (letters.length > 0) return false;
    }
    return true;
  }

  /** Some at a time, as nobody is to hold a whole backlog of them; what is aside is not put there again. */
  async #putLetters(letters: PoisonLetter[]): Promise<void> {
    const [first, count] = [letters[0], letters.length];
    while (letters.length > 0 && !this.#over.signal.aborted) {
      const some = letters.slice(0, LETTERS_AT_ONCE);
      await this.#options.deadLetters.appendMessages(some);
      letters.splice(0, some.length);
    }
    if (first === undefined) return;
    const { partition, offset, reason } = first;
    this.#options.log.warn({ partition, offset, reason, count }, 'the dead letter has what the sink can never take');
  }

  async #pause(): Promise<void> {
    try {
      await this.#options.clock.sleep(this.#backoff.nextMs(), this.#over.signal);
    } catch (error) {
      if (!this.#over.signal.aborted) throw error;
    }
  }
}

/** What a wait or a try ends with when its owner closes: a bug has another shape. */
export function isEnding(error: unknown): boolean {
  return error instanceof MooringError || (error instanceof Error && error.name === 'AbortError');
}
