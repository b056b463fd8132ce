import type { ConsumedMessage, KafkaConsumer, KafkaConsumerOptions } from '../central/recordlog/kafka/client.ts';
import type { PoisonLetter } from '../central/sinks/feed/poison-letters.ts';
import { FeedSession } from '../central/sinks/feed/session.ts';
import type { FeedTarget, RefusedItem, WritePace } from '../central/sinks/feed/target.ts';
import type { LogPosition } from '../central/sinks/sink.ts';
import type { MooringError } from '../runtime/errors.ts';
import { silentLog } from '../runtime/log.ts';
import { SeededRandom } from '../runtime/random.ts';
import { SteppedClock } from '../sim/clock.ts';
import { MemoryKafka } from '../sim/memory-kafka.ts';
import { span } from './conformance/entries.ts';

/** A consumer that does what the test says. */
export class ScriptedConsumer implements KafkaConsumer {
  readonly calls: string[] = [];
  readonly commits: Record<string, number>[] = [];
  commitFailure: MooringError | undefined;
  readonly events: KafkaConsumerOptions;

  constructor(events: KafkaConsumerOptions) {
    this.events = events;
  }

  async open(): Promise<void> {
    this.calls.push('open');
  }

  pause(partition: number): void {
    this.calls.push(`pause ${partition}`);
  }

  resume(partition: number): void {
    this.calls.push(`resume ${partition}`);
  }

  async commit(offsets: ReadonlyMap<number, number>): Promise<void> {
    if (this.commitFailure !== undefined) throw this.commitFailure;
    this.commits.push(Object.fromEntries(offsets));
  }

  async close(): Promise<void> {
    this.calls.push('close');
  }

  give(partition: number, first: number, last: number, bytes = 1): void {
    const messages = span(first, last).map(
      (offset): ConsumedMessage => ({ offset, key: 'k', value: Buffer.alloc(bytes, `${offset}`), timestampMs: 0 }),
    );
    this.events.onMessages(partition, messages);
  }
}

const settled = (): Promise<void> => Promise.resolve();

/** A target whose writes end when the test says so. */
export class ScriptedTarget implements FeedTarget<string> {
  readonly name = 'archive';
  readonly isStandingBy = false;
  readonly writes: { items: readonly string[]; offsets: Record<string, number> }[] = [];
  paced: WritePace = { records: Number.POSITIVE_INFINITY, bytes: Number.POSITIVE_INFINITY, lingerMs: 0 };
  #pending: PromiseWithResolvers<readonly RefusedItem[]> | undefined;

  decode(value: Buffer): string {
    return value.toString('utf8', 0, 3).replace(/\0/g, '');
  }

  write(items: readonly string[], { offsets }: LogPosition): Promise<readonly RefusedItem[]> {
    this.writes.push({ items, offsets: Object.fromEntries(offsets) });
    this.#pending = Promise.withResolvers();
    return this.#pending.promise;
  }

  finish(error?: Error): void {
    if (error === undefined) this.#pending?.resolve([]);
    else this.#pending?.reject(error);
  }

  pace(): WritePace {
    return this.paced;
  }

  refuse(...indices: readonly number[]): void {
    this.#pending?.resolve(indices.map((index) => ({ index, reason: `no place for ${index}` })));
  }

  readonly open = settled;
  readonly positions = (): undefined => undefined;
  readonly logs = (): readonly string[] => [];
  readonly tellGaps = settled;
  readonly close = settled;
}

/** A session between a consumer and a target that do what a test says, begun with two partitions. */
export class SessionStage {
  readonly clock = new SteppedClock();
  readonly target = new ScriptedTarget();
  /** What came to the dead letter. */
  readonly letters: PoisonLetter[] = [];
  readonly closing = new AbortController();
  starts: ReadonlyMap<number, number> = new Map([
    [0, 0],
    [1, 0],
  ]);
  findStarts = async (): Promise<ReadonlyMap<number, number>> => this.starts;
  append = async (some: readonly PoisonLetter[]): Promise<void> => void this.letters.push(...some);
  readonly session: FeedSession<string>;
  consumer!: ScriptedConsumer;
  running: Promise<void> = Promise.resolve();

  constructor() {
    this.session = this.make();
  }

  make(): FeedSession<string> {
    return new FeedSession({
      target: this.target,
      client: Object.assign(new MemoryKafka(), {
        createConsumer: (events: KafkaConsumerOptions) => {
          this.consumer = new ScriptedConsumer(events);
          return this.consumer;
        },
      }),
      group: 'g',
      topic: 't',
      logName: 'c/t',
      findStarts: () => this.findStarts(),
      deadLetters: { appendMessages: (some) => this.append(some) },
      clock: this.clock,
      random: new SeededRandom(1),
      log: silentLog,
      bytesMax: 10_000,
      onWriting: () => undefined,
    });
  }

  async begin(): Promise<void> {
    this.running = this.session.run(this.closing.signal, () => undefined);
    await this.consumer.events.positions([0, 1]);
    await this.clock.advance(0);
  }

  async end(): Promise<void> {
    this.closing.abort();
    this.target.finish();
    await this.clock.advance(0);
    await this.running;
  }
}
