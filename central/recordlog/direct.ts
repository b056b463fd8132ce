import assert from 'node:assert/strict';
import type { RunId } from '../../protocol/ids.ts';
import { type Range, rangesOf } from '../../protocol/intervals.ts';
import { BOUNDS } from '../../protocol/record.ts';
import { MooringError } from '../../runtime/errors.ts';
import type { Sink } from '../sinks/sink.ts';
import {
  type AckFollower,
  type AckSource,
  jsonOf,
  type LogEntry,
  type LogOutcome,
  type LogRecord,
  type RecordLog,
} from './recordlog.ts';

export interface DirectRecordLogOptions {
  /** Every sink but `ack_log`: a record is `stored` when all of them have committed it. Owned: opened and closed here. */
  readonly sinks: readonly Sink[];
  /** The `ack_log` sinks. Owned too. */
  readonly followers?: readonly AckFollower[];
  /** Bytes of JSON of one record; a larger one is rejected for good. 512 KiB, a whole batch, when left out. */
  readonly recordBytesMax?: number;
}

/**
 * The record log without a broker: straight to the sinks, whose commit is the durable acknowledgement. It keeps nothing
 * of its own, so a record is never `held`: it is in every sink, or it is the gateway's to send again.
 */
export class DirectRecordLog implements RecordLog, AckSource {
  readonly #sinks: readonly Sink[];
  readonly #followers: readonly AckFollower[];
  readonly #recordBytesMax: number;
  readonly #appends = new Set<Promise<unknown>>();
  #isOpen = false;

  constructor({ sinks, followers = [], recordBytesMax }: DirectRecordLogOptions) {
    assert(sinks.length > 0, 'a log without a sink would acknowledge what nobody has');
    this.#sinks = sinks;
    this.#followers = followers;
    this.#recordBytesMax = recordBytesMax ?? BOUNDS.batchJsonBytes;
  }

  async open(signal: AbortSignal): Promise<void> {
    try {
      for (const sink of this.#sinks) await sink.open(signal);
    } catch (error) {
      await this.#closeSinks();
      throw error;
    }
    for (const follower of this.#followers) follower.start(this);
    this.#isOpen = true;
  }

  /** Throws `LOG_FAILED` when a sink has failed, or when the log is closing. */
  async append(entry: LogEntry): Promise<LogOutcome> {
    if (!this.#isOpen) throw new MooringError('LOG_FAILED', 'the log is closed');
    const { taken, tooLarge } = this.#weigh(entry);
    const stored = this.#storeEverywhere({ ...entry, records: taken });
    this.#appends.add(stored);
    let added: number;
    try {
      added = await stored;
    } finally {
      this.#appends.delete(stored);
    }
    for (const follower of this.#followers) follower.follow(entry.run);
    const reason = `larger than ${this.#recordBytesMax} bytes as JSON`;
    return {
      stored: rangesIn(taken),
      added,
      held: [],
      rejected: tooLarge.length === 0 ? [] : [{ ranges: rangesIn(tooLarge), code: 'too_large', reason }],
    };
  }

  runs(): Iterable<RunId> {
    return (this.#sinks[0] as Sink).runs();
  }

  /** What every sink has; may be asked after `close`. */
  acknowledged(run: RunId): readonly Range[] {
    const [first, ...others] = this.#sinks.map((sink) => sink.committed(run));
    assert(first !== undefined, 'there is a sink');
    return others.reduce((ranges, other) => ranges.flatMap(([from, to]) => other.within(from, to)), first.ranges());
  }

  isAcknowledged(run: RunId, sequence: number): boolean {
    return this.#sinks.every((sink) => sink.committed(run).has(sequence));
  }

  async close(): Promise<void> {
    this.#isOpen = false;
    const closing = this.#closeSinks();
    await Promise.allSettled(this.#appends);
    await closing;
    for (const follower of this.#followers) await follower.close();
  }

  /** Makes the JSON of each record, once for all sinks, and parts those that are too large. */
  #weigh({ records }: LogEntry): { taken: LogRecord[]; tooLarge: LogRecord[] } {
    const taken: LogRecord[] = [];
    const tooLarge: LogRecord[] = [];
    for (const record of records) {
      const json = jsonOf(record);
      if (Buffer.byteLength(json) > this.#recordBytesMax) tooLarge.push(record);
      else taken.push({ ...record, json });
    }
    return { taken, tooLarge };
  }

  /**
   * Waits for every sink, also when one has failed: none may still be writing when the caller tries again. Returns how many
   * records were new to the sink that lacked most.
   */
  async #storeEverywhere(entry: LogEntry): Promise<number> {
    const outcomes = await Promise.allSettled(this.#sinks.map((sink) => storeMissing(sink, entry)));
    let added = 0;
    for (const [index, outcome] of outcomes.entries()) {
      if (outcome.status === 'fulfilled') {
        added = Math.max(added, outcome.value);
        continue;
      }
      if (!(outcome.reason instanceof MooringError)) throw outcome.reason;
      throw new MooringError('LOG_FAILED', 'a sink did not take the records', {
        cause: outcome.reason,
        context: { sink: this.#sinks[index]?.name },
      });
    }
    return added;
  }

  async #closeSinks(): Promise<void> {
    const outcomes = await Promise.allSettled(this.#sinks.map((sink) => sink.close()));
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
  }
}

/** Writes what the sink does not have yet; nothing when it has all. Returns how many it did not have. */
async function storeMissing(sink: Sink, entry: LogEntry): Promise<number> {
  const committed = sink.committed(entry.run);
  const records = entry.records.filter(({ sequence }) => !committed.has(sequence));
  return records.length === 0 ? 0 : await sink.write([{ ...entry, records }]);
}

function rangesIn(records: readonly LogRecord[]): Range[] {
  return rangesOf(records.map(({ sequence }) => sequence));
}
