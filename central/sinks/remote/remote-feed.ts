import assert from 'node:assert/strict';
import { type Clock, withDeadline } from '../../../runtime/clock.ts';
import { type ErrorCode, MooringError } from '../../../runtime/errors.ts';
import type { WriteLimit } from '../feed/backlog.ts';
import { Feed, type FeedOptions } from '../feed/feed.ts';
import type { FeedMark } from '../feed/feed-mark.ts';
import { gapEntryOf } from '../feed/gap-record.ts';
import type { FeedTarget, LogGap, RefusedItem, WritePace } from '../feed/target.ts';
import { storeRecordOf } from '../feed/topic-record.ts';
import { BatchPace, type BatchPaceOptions, type WriteSize } from './batch-pace.ts';
import type { RefusedRecord, RemoteStore, StoreRecord } from './remote-store.ts';
import { type Take, type Takes, takesOf } from './take.ts';

export interface RemoteFeedOptions extends Omit<FeedOptions<StoreRecord>, 'target'> {
  /** Owned: opened and closed here. */
  readonly store: RemoteStore;
  readonly batch: BatchPaceOptions;
  /** What the store takes; the log is read on past everything else. */
  readonly take?: Take;
}

/** A write that fails after so long was too much for the store's time, in milliseconds: half of the usual deadline. */
const SLOW_MS = 5000;
const FILE_CODES: ReadonlySet<ErrorCode> = new Set(['CONFIG_INVALID', 'CONFIG_UNREADABLE']);
/** How long the write under way may take once the feed closes, in milliseconds: the whole centre has four seconds. */
const CLOSE_MS = 1500;

/** Records of a topic into a store that runs somewhere else, which keeps no positions: the group's offset says how far it is. */
export class RemoteFeed extends Feed<StoreRecord> {
  /** What the store alone will never take stops this feed, and not the centre with it. */
  constructor({ store, batch, take = {}, onFatal, ...options }: RemoteFeedOptions) {
    super({
      ...options,
      target: new RemoteTarget(store, options.clock, new BatchPace(batch), takesOf(take), options.mark),
      onFatal: (error) => {
        if (error.code !== 'SINK_UNFIT') onFatal?.(error);
      },
    });
  }
}

class RemoteTarget implements FeedTarget<StoreRecord> {
  readonly isStandingBy = false;
  readonly decode = storeRecordOf;
  readonly #store: RemoteStore;
  readonly #clock: Clock;
  readonly #pace: BatchPace;
  readonly #takes: Takes;
  readonly #mark: FeedMark | undefined;
  /** What the store has answered about, of a write that may come again because of others: its reason where it refuses. */
  readonly #settled = new WeakMap<StoreRecord, string | undefined>();
  #writing: Promise<unknown> = Promise.resolve();
  #closing: Promise<void> | undefined;

  constructor(store: RemoteStore, clock: Clock, pace: BatchPace, takes: Takes, mark: FeedMark | undefined) {
    this.#store = store;
    this.#clock = clock;
    this.#pace = pace;
    this.#takes = takes;
    this.#mark = mark;
  }

  get name(): string {
    return this.#store.name;
  }

  async open(signal: AbortSignal): Promise<void> {
    await this.#store.open(signal).catch(rethrow);
  }

  pace(): WritePace {
    return this.#pace.pace;
  }

  /** As much at once as the store bears by now, which may be less than it was when the records were taken. */
  async write(records: readonly StoreRecord[]): Promise<readonly RefusedItem[]> {
    const wanted = records.filter(({ flat }) => this.#takes(flat));
    for (;;) {
      const waiting = wanted.filter((record) => !this.#settled.has(record));
      const chunk = firstWithin(waiting, this.pace());
      if (chunk.length === 0) break;
      await this.#writeChunk(chunk, chunk.length === wanted.length ? records : chunk);
    }
    return [...records.entries()].flatMap(([index, record]) => {
      const reason = this.#settled.get(record);
      return reason === undefined ? [] : [{ index, reason }];
    });
  }

  /** @param taken what was taken for it, of which the store wants no more than the chunk */
  async #writeChunk(chunk: readonly StoreRecord[], taken: readonly StoreRecord[]): Promise<void> {
    const startMs = this.#clock.monotonicMs();
    const tookMs = (): number => this.#clock.monotonicMs() - startMs;
    try {
      const refused = await this.#send(chunk);
      for (const record of chunk) this.#settled.set(record, undefined);
      for (const { index, reason } of refused) this.#settled.set(chunk[index] as StoreRecord, reason);
      this.#pace.written(sizeOf(taken), tookMs());
    } catch (error) {
      const isClosing = this.#closing !== undefined;
      if (!isClosing && (tookMs() >= SLOW_MS || isTooLarge(error))) this.#pace.wasTooMuch(sizeOf(chunk));
      throw error;
    }
  }

  positions(): undefined {
    return undefined;
  }

  logs(): readonly string[] {
    return [];
  }

  /** Whatever the sink takes: it is about the sink itself. */
  async tellGaps(gaps: readonly LogGap[]): Promise<void> {
    const told: StoreRecord[] = [];
    // The same record at each telling: stores know one again by its time too.
    for (const gap of gaps) {
      const toldMs = (await this.#mark?.firstToldMs(gap)) ?? this.#clock.wallMs();
      told.push(gapOf(this.name, gap, toldMs));
    }
    const [refused] = await this.#send(told);
    if (refused === undefined) return;
    const context = { sink: this.name, reason: refused.reason };
    throw new MooringError('SINK_FAILED', 'a store does not take the word of what it will never have', { context });
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  #send(records: readonly StoreRecord[]): Promise<readonly RefusedRecord[]> {
    const sent = this.#store.write(records).catch(rethrow);
    this.#writing = sent;
    return sent;
  }

  /** What has to be cut off is written again, and stands there once. */
  async #close(): Promise<void> {
    const late = (): MooringError => new MooringError('DEADLINE', 'a write took too long');
    await withDeadline(this.#clock, CLOSE_MS, Promise.allSettled([this.#writing]), late).catch(onlyLate);
    await this.#store.close();
  }
}

/** A file of the connection that is missing or cannot be read can be mended: it is read again at the next try. */
function rethrow(error: unknown): never {
  if (!(error instanceof MooringError) || !FILE_CODES.has(error.code)) throw error;
  const { message, context, hint } = error;
  throw new MooringError('SINK_FAILED', message, { cause: error, context, ...(hint === undefined ? {} : { hint }) });
}

function onlyLate(error: unknown): void {
  if (!(error instanceof MooringError)) throw error;
}

function gapOf(sink: string, gap: LogGap, toldMs: number): StoreRecord {
  const { run, records } = gapEntryOf(sink, gap, toldMs);
  const [record] = records;
  assert(record !== undefined, 'the entry of a gap has one record');
  const { sequence, flat } = record;
  return { flat, json: JSON.stringify(flat), place: { run, sequence } };
}

/** The first that fit into a write, and one at least. */
function firstWithin(records: readonly StoreRecord[], limit: WriteLimit): readonly StoreRecord[] {
  let bytes = 0;
  const end = records.findIndex(({ json }, index) => {
    bytes += Buffer.byteLength(json);
    return index > 0 && (index >= limit.records || bytes > limit.bytes);
  });
  return end === -1 ? records : records.slice(0, end);
}

function sizeOf(records: readonly StoreRecord[]): WriteSize {
  return { records: records.length, bytes: records.reduce((sum, { json }) => sum + Buffer.byteLength(json), 0) };
}

const PAYLOAD_TOO_LARGE = 413;

function isTooLarge(error: unknown): boolean {
  return error instanceof MooringError && (error.code === 'DEADLINE' || error.context.status === PAYLOAD_TOO_LARGE);
}
