import type { Clock } from '../../runtime/clock.ts';
import { MooringError } from '../../runtime/errors.ts';
import type { Random } from '../../runtime/random.ts';
import { AdminSession } from '../recordlog/kafka/admin-session.ts';
import type { ConsumedMessage, KafkaClient, LogSpan } from '../recordlog/kafka/client.ts';

export interface LetterTopicOptions {
  readonly client: KafkaClient;
  /** Of dead letters. */
  readonly topic: string;
  /** Of the group's name, in which nothing is ever committed. */
  readonly prefix: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly signal: AbortSignal;
}

/** Reading is given up when nothing has come for so long, in milliseconds. */
const SILENCE_MS = 30_000;

/**
 * Calls `onLine` for every message that stood in the topic when it was asked, with `PARTITION-OFFSET`; by partition in order.
 * Nothing where there is no such topic yet. Rejects with `LOG_FAILED` when Kafka is away, or the signal's reason.
 * @param within offsets to read by partition, the end not included; left out: all there are
 */
export async function readLetterTopic(
  { client, topic, prefix, clock, random, signal }: LetterTopicOptions,
  onLine: (id: string, line: string) => void,
  within?: ReadonlyMap<number, LogSpan>,
): Promise<void> {
  const admin = new AdminSession(client, clock);
  try {
    if ((await admin.ask((asked) => asked.describeTopic(topic))) === undefined) return;
    const all = await admin.ask((asked) => asked.offsets(topic));
    const reading = new Reading(all, within, onLine);
    if (reading.isDone) return;
    const end = Promise.withResolvers<void>();
    // Whoever opens the consumer hears of a failure below.
    end.promise.catch(() => undefined);
    const late = (): void =>
      end.reject(new MooringError('LOG_FAILED', 'the dead letters are not read to their end', { context: { topic } }));
    let cancel = clock.after(SILENCE_MS, late);
    const aborted = (): void => end.reject(signal.reason as Error);
    signal.addEventListener('abort', aborted, { once: true });
    const consumer = client.createConsumer({
      group: `${prefix}.letters.${Buffer.from(random.bytes(8)).toString('hex')}`,
      topic,
      // Retention may take some away while it reads.
      mayHaveHoles: true,
      positions: async (partitions) => await Promise.resolve(reading.positions(partitions)),
      onMessages: (partition, messages) => {
        cancel();
        cancel = clock.after(SILENCE_MS, late);
        reading.take(partition, messages);
        if (reading.isDone) end.resolve();
      },
      onRevoked: () => undefined,
      onFailed: end.reject,
    });
    try {
      signal.throwIfAborted();
      await consumer.open(signal);
      await end.promise;
    } finally {
      cancel();
      signal.removeEventListener('abort', aborted);
      await consumer.close();
    }
  } finally {
    admin.close();
  }
}

/** What is left to read of each partition. A message that comes again, after partitions were dealt anew, is passed by. */
class Reading {
  readonly #ends: readonly number[];
  readonly #next: number[];
  readonly #onLine: (id: string, line: string) => void;

  constructor(
    all: readonly LogSpan[],
    within: ReadonlyMap<number, LogSpan> | undefined,
    onLine: (id: string, line: string) => void,
  ) {
    const spans = all.map(({ first, end }, partition): LogSpan => {
      if (within === undefined) return { first, end };
      const wanted = within.get(partition) ?? { first: end, end };
      return { first: Math.max(first, wanted.first), end: Math.min(end, wanted.end) };
    });
    this.#ends = spans.map(({ end }) => end);
    this.#next = spans.map(({ first }) => first);
    this.#onLine = onLine;
  }

  get isDone(): boolean {
    return this.#ends.every((end, partition) => (this.#next[partition] ?? 0) >= end);
  }

  positions(partitions: readonly number[]): ReadonlyMap<number, number> {
    return new Map(partitions.map((partition) => [partition, this.#next[partition] ?? 0]));
  }

  take(partition: number, messages: readonly ConsumedMessage[]): void {
    for (const { offset, value } of messages) {
      if (offset < (this.#next[partition] ?? 0)) continue;
      this.#next[partition] = offset + 1;
      if (offset < (this.#ends[partition] ?? 0)) this.#onLine(`${partition}-${offset}`, value.toString('utf8'));
    }
  }
}
