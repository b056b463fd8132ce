import { type Clock, withDeadline } from '../../../runtime/clock.ts';
import { MooringError } from '../../../runtime/errors.ts';
import type { KafkaAdmin, KafkaClient, KafkaMessage, KafkaProducer } from '../../recordlog/kafka/client.ts';
import { partitionOf } from '../../recordlog/kafka/partitioner.ts';
import type { RefusedRecord, RemoteStore, StoreRecord } from '../remote/remote-store.ts';
import { splitMessages } from './messages.ts';
import { openSplitTopic, type SplitTopic, type SplitTopicsSpec } from './topics.ts';

export interface SplitStoreOptions extends Omit<SplitTopicsSpec, 'store'> {
  readonly name: string;
  readonly topics: SplitTopicNames;
  /** Of the brokers that have the log. */
  readonly client: KafkaClient;
  /** Of `open` and of each `write` as a whole, in milliseconds; 10,000 when left out. */
  readonly deadlineMs?: number;
  readonly clock: Clock;
}

export interface SplitTopicNames {
  readonly main: string;
  readonly measures: string;
}

/** A message, and the record that it is of. */
interface Part {
  readonly index: number;
  readonly message: KafkaMessage;
  readonly bytes: number;
}

const DEADLINE_MS = 10_000;
/** Of one send, in bytes: each partition's share of it is one batch. */
const SEND_BYTES_MAX = 900_000;
/** What a message has beside key and value, and a batch beside its messages, at the most. */
const SLACK_BYTES = 100;

/** Two compacted topics at the log's own brokers: a record in one, each of its measures in the other. */
export class SplitStore implements RemoteStore {
  readonly name: string;
  readonly #options: SplitStoreOptions;
  #topics: { readonly main: SplitTopic; readonly measures: SplitTopic } | undefined;
  #producer: KafkaProducer | undefined;
  /** Ends what is under way. */
  #cut: ((reason: unknown) => void) | undefined;
  #isClosed = false;

  constructor(options: SplitStoreOptions) {
    this.name = options.name;
    this.#options = options;
  }

  async open(signal: AbortSignal): Promise<void> {
    await this.#within(async () => {
      const admin = this.#options.client.createAdmin();
      try {
        this.#topics = await this.#openTopics(admin);
      } finally {
        await admin.close();
      }
    }, signal);
  }

  async write(records: readonly StoreRecord[]): Promise<readonly RefusedRecord[]> {
    return await this.#within(async (isLate) => {
      const refused = new Map<number, string>();
      const bytesMax = this.#sendBytesMax();
      let some: Part[] = [];
      let bytes = 0;
      for (const part of this.#partsOf(records)) {
        if (some.length > 0 && bytes + part.bytes > bytesMax) {
          await this.#send(some, refused, isLate);
          [some, bytes] = [[], 0];
        }
        some.push(part);
        bytes += part.bytes;
      }
      await this.#send(some, refused, isLate);
      return [...refused].map(([index, reason]) => ({ index, reason })).sort((a, b) => a.index - b.index);
    });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#cut?.(new MooringError('SINK_FAILED', 'the connection was let go', { context: { store: this.name } }));
    await this.#drop();
  }

  async #openTopics(admin: KafkaAdmin): Promise<{ readonly main: SplitTopic; readonly measures: SplitTopic }> {
    const { name: store, topics, partitions, replication, brokers } = this.#options;
    const spec = { store, partitions, replication, brokers };
    return {
      main: await openSplitTopic(admin, topics.main, spec),
      measures: await openSplitTopic(admin, topics.measures, spec),
    };
  }

  #opened(): { readonly main: SplitTopic; readonly measures: SplitTopic } {
    if (this.#topics !== undefined) return this.#topics;
    throw new MooringError('SINK_FAILED', 'the topics are not open', { context: { store: this.name } });
  }

  #sendBytesMax(): number {
    const { main, measures } = this.#opened();
    return Math.min(SEND_BYTES_MAX, main.bytesMax, measures.bytesMax) - SLACK_BYTES;
  }

  *#partsOf(records: readonly StoreRecord[]): Generator<Part> {
    const topics = this.#opened();
    for (const [index, { flat }] of records.entries()) {
      for (const { part, key, value } of splitMessages(flat)) {
        const partition = partitionOf(key, topics[part].partitions);
        const bytes = Buffer.byteLength(key) + Buffer.byteLength(value) + SLACK_BYTES;
        yield { index, message: { topic: this.#options.topics[part], partition, key, value }, bytes };
      }
    }
  }

  /** Halves what is refused until each message that is stands alone; what was written of it is written again, the same. */
  async #send(parts: readonly Part[], refused: Map<number, string>, isLate: () => boolean): Promise<void> {
    const [first] = parts;
    if (first === undefined || isLate()) return;
    try {
      this.#producer ??= await this.#newProducer(isLate);
      await this.#producer.send(parts.map(({ message }) => message));
    } catch (error) {
      await this.#drop();
      if (!(error instanceof MooringError) || error.code !== 'LOG_REFUSED') throw error;
      if (parts.length === 1) {
        refused.set(first.index, `the topic ${first.message.topic} does not take it: ${error.message}`);
        return;
      }
      const half = parts.length >>> 1;
      await this.#send(parts.slice(0, half), refused, isLate);
      await this.#send(parts.slice(half), refused, isLate);
    }
  }

  async #newProducer(isLate: () => boolean): Promise<KafkaProducer> {
    const producer = await this.#options.client.createProducer();
    if (!isLate()) return producer;
    await producer.close();
    throw new MooringError('SINK_FAILED', 'nobody waits for this write any more', { context: { store: this.name } });
  }

  /** Work under one deadline. Whatever it fails of, the next has a new producer. */
  async #within<T>(work: (isLate: () => boolean) => Promise<T>, signal?: AbortSignal): Promise<T> {
    signal?.throwIfAborted();
    const context = { store: this.name };
    if (this.#isClosed) throw new MooringError('SINK_FAILED', 'the store is closed', { context });
    const { clock, deadlineMs = DEADLINE_MS } = this.#options;
    const cut = Promise.withResolvers<never>();
    this.#cut = cut.reject;
    const abort = (): void => cut.reject(signal?.reason);
    signal?.addEventListener('abort', abort, { once: true });
    let isLate = false;
    const late = (): Error =>
      new MooringError('DEADLINE', 'Kafka does not answer', {
        context: { ...context, reason: `no answer within ${deadlineMs} ms` },
      });
    try {
      return await withDeadline(clock, deadlineMs, Promise.race([cut.promise, work(() => isLate)]), late);
    } catch (error) {
      isLate = true;
      // Closing may take as long as the broker does, and nothing depends on it.
      void this.#drop();
      if (signal?.aborted === true && error === signal.reason) throw error;
      throw this.#failure(error);
    } finally {
      this.#cut = undefined;
      signal?.removeEventListener('abort', abort);
    }
  }

  async #drop(): Promise<void> {
    const producer = this.#producer;
    this.#producer = undefined;
    // It is let go because it failed, or because all is over: a failure to say goodbye changes nothing.
    await producer?.close().catch(() => undefined);
  }

  #failure(error: unknown): MooringError {
    const context = { store: this.name, ...this.#options.topics };
    if (!(error instanceof MooringError)) {
      return new MooringError('SINK_FAILED', 'Kafka does not take split records', { cause: error, context });
    }
    if (!error.code.startsWith('LOG_')) return error;
    const code = error.code === 'LOG_UNFIT' ? 'SINK_UNFIT' : 'SINK_FAILED';
    const hint = error.hint === undefined ? {} : { hint: error.hint };
    return new MooringError(code, error.message, { cause: error, context: { ...error.context, ...context }, ...hint });
  }
}
