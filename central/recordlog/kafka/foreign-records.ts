import type { Clock } from '../../../runtime/clock.ts';
import { MooringError } from '../../../runtime/errors.ts';
import { type ForeignLetter, type ForeignLetters, foreignLetterLine } from '../../ingest/foreign/foreign-letters.ts';
import {
  type ForeignEntry,
  type ForeignFailure,
  type ForeignFate,
  type ForeignLog,
  foreignKeyOf,
} from '../../ingest/foreign/foreign-log.ts';
import type { LogLink } from './log-link.ts';
import { partitionOf } from './partitioner.ts';
import type { TopicsSpec } from './topics.ts';

export interface KafkaForeignOptions {
  /** The producer line of gateways' records. */
  readonly link: Pick<LogLink, 'produce'>;
  readonly topics: TopicsSpec;
  readonly clock: Clock;
}

/** Whoever posts over HTTP should have an answer by then. */
const APPEND_MS = 15_000;

/**
 * The records of existing devices on the topic of records, by `source/station`. No acknowledgement of theirs stands on the
 * topic of acknowledgements: nobody has a run of them to free.
 */
export class KafkaForeignLog implements ForeignLog {
  readonly #options: KafkaForeignOptions;

  constructor(options: KafkaForeignOptions) {
    this.#options = options;
  }

  /** Rejects for a bug only. */
  async append(records: readonly ForeignEntry[]): Promise<readonly (ForeignFate | ForeignFailure)[]> {
    const deadlineMs = this.#options.clock.monotonicMs() + APPEND_MS;
    const appended = await Promise.allSettled(records.map((record) => this.#append(record, deadlineMs)));
    return appended.map((one) => {
      if (one.status === 'fulfilled') return one.value;
      if (!(one.reason instanceof MooringError)) throw one.reason;
      return { failure: one.reason };
    });
  }

  /** Each is a request of its own, as the offset of one in company is not told; they share sends all the same. */
  async #append({ flat, json }: ForeignEntry, deadlineMs: number): Promise<ForeignFate> {
    const { link, topics } = this.#options;
    const key = foreignKeyOf(flat);
    const partition = partitionOf(key, topics.partitions);
    const { span, refused } = await link.produce({
      messages: [{ topic: topics.names.records, partition, key, value: json }],
      sizes: [Buffer.byteLength(json)],
      deadlineMs,
    });
    if (span !== undefined) return { partition, offset: span.first };
    return { refused: refused[0]?.isTooLarge === true ? 'too_large' : 'refused_by_log' };
  }
}

/** Refused messages of existing devices on the topic of dead letters, by source. */
export class KafkaForeignLetters implements ForeignLetters {
  readonly #options: KafkaForeignOptions;

  constructor(options: KafkaForeignOptions) {
    this.#options = options;
  }

  /** Rejects with `LOG_FAILED`, or with what was fatal. */
  async append(letter: ForeignLetter): Promise<void> {
    const { link, topics, clock } = this.#options;
    const { source } = letter;
    const topic = topics.names.deadLetter;
    const value = foreignLetterLine(letter);
    const { span } = await link.produce({
      messages: [{ topic, partition: partitionOf(source, topics.partitions), key: source, value }],
      sizes: [Buffer.byteLength(value)],
      deadlineMs: clock.monotonicMs() + APPEND_MS,
    });
    if (span !== undefined) return;
    throw new MooringError('LOG_FAILED', 'the topic of dead letters refuses one', {
      context: { topic, source },
      hint: 'Look at its max.message.bytes.',
    });
  }
}
