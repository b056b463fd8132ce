import { beforeEach, expect, test } from 'vitest';
import { MooringError } from '../../../runtime/errors.ts';
import { silentLog } from '../../../runtime/log.ts';
import { SeededRandom } from '../../../runtime/random.ts';
import { SteppedClock } from '../../../sim/clock.ts';
import { MemoryKafka } from '../../../sim/memory-kafka.ts';
import { span } from '../../../test/conformance/entries.ts';
import type { ConsumedMessage, KafkaConsumer, KafkaConsumerOptions } from '../../recordlog/kafka/client.ts';
import type { LogPosition } from '../sink.ts';
import type { PoisonLetter } from './poison-letters.ts';
import { FeedSession } from './session.ts';
import type { FeedTarget, RefusedItem, WritePace } from './target.ts';

/** A consumer that does what the test says. */
class ScriptedConsumer implements KafkaConsumer {
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
class ScriptedTarget implements FeedTarget<string> {
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

let clock: SteppedClock;
let consumer: ScriptedConsumer;
let target: ScriptedTarget;
let starts: ReadonlyMap<number, number>;
let findStarts: () => Promise<ReadonlyMap<number, number>>;
let letters: PoisonLetter[];
let append: (some: readonly PoisonLetter[]) => Promise<void>;
let closing: AbortController;
let session: FeedSession<string>;
let running: Promise<void>;
function start(): FeedSession<string> {
  return new FeedSession({
    target,
    client: Object.assign(new MemoryKafka(), {
      createConsumer(events: KafkaConsumerOptions) {
        consumer = new ScriptedConsumer(events);
        return consumer;
      },
    }),
    group: 'g',
    topic: 't',
    logName: 'c/t',
    findStarts: () => findStarts(),
    deadLetters: { appendMessages: (some) => append(some) },
    clock,
    random: new SeededRandom(1),
    log: silentLog,
    bytesMax: 10_000,
    onWriting: () => undefined,
  });
}

beforeEach(async () => {
  clock = new SteppedClock();
  target = new ScriptedTarget();
  letters = [];
  append = async (some) => void letters.push(...some);
  closing = new AbortController();
  starts = new Map([
    [0, 0],
    [1, 0],
  ]);
  findStarts = async () => starts;
  session = start();
  running = session.run(closing.signal, () => undefined);
  await consumer.events.positions([0, 1]);
  await clock.advance(0);
});

async function end(): Promise<void> {
  closing.abort();
  target.finish();
  await clock.advance(0);
  await running;
}

test('what came during a write goes into the next, all partitions together, and one write follows the other', async () => {
  consumer.give(0, 0, 1);
  await clock.advance(0);
  consumer.give(0, 2, 3);
  consumer.give(1, 0, 0);
  await clock.advance(5000);
  expect(target.writes).toHaveLength(1);
  target.finish();
  await clock.advance(0);
  expect(target.writes.slice(1)).toEqual([{ items: ['2', '3', '0'], offsets: { 0: 4, 1: 1 } }]);
  await end();
});

test('a partition pauses when more waits than there is room for, and resumes when half of that is free', async () => {
  consumer.give(0, 0, 9, 500);
  expect(consumer.calls).toEqual(['open']);
  consumer.give(1, 0, 9, 500);
  expect(consumer.calls).toEqual(['open', 'pause 1']);
  await clock.advance(0);
  consumer.give(0, 10, 10, 500);
  expect(consumer.calls).toEqual(['open', 'pause 1', 'pause 0']);
  target.finish();
  await clock.advance(0);
  expect(consumer.calls).toEqual(['open', 'pause 1', 'pause 0', 'resume 1', 'resume 0']);
  await end();
});

test('what is not written of a partition that is taken away is forgotten, also between two tries', async () => {
  consumer.give(0, 0, 4);
  consumer.give(1, 0, 4);
  await clock.advance(0);
  consumer.give(0, 5, 9);
  consumer.events.onRevoked([0]);
  consumer.give(0, 10, 12);
  target.finish(new MooringError('SINK_FAILED', 'full'));
  await clock.advance(60_000);
  expect(target.writes.map(({ offsets }) => offsets)).toEqual([{ 0: 5, 1: 5 }, { 1: 5 }]);
  target.finish();
  await clock.advance(1000);
  expect(target.writes).toHaveLength(2);
  expect(consumer.commits.at(-1)).toEqual({ 1: 5 });
  await end();
});

test('a write that ends after its partition was taken away is not told to the group', async () => {
  consumer.give(0, 0, 4);
  await clock.advance(0);
  await clock.advance(1000);
  consumer.events.onRevoked([0]);
  target.finish();
  await clock.advance(5000);
  expect(consumer.commits).toEqual([{ 0: 0, 1: 0 }]);
  await end();
});

test('a partition that comes back begins where it is told to; what it had before that is read again, not kept', async () => {
  consumer.give(0, 0, 4);
  await clock.advance(0);
  consumer.give(0, 5, 9);
  starts = new Map([[0, 3]]);
  const asked = consumer.events.positions([0]);
  target.finish();
  await asked;
  consumer.give(0, 2, 7);
  await clock.advance(0);
  expect(target.writes[1]).toEqual({ items: ['3', '4', '5', '6', '7'], offsets: { 0: 8 } });
  await end();
});

test('where to begin is found when no write is under way, and nothing is written before it is found', async () => {
  const order: string[] = [];
  const found = Promise.withResolvers<void>();
  findStarts = async () => {
    order.push(`find after ${target.writes.length} writes`);
    await found.promise;
    return starts;
  };
  consumer.give(0, 0, 4);
  await clock.advance(0);
  consumer.give(0, 5, 9);
  const asked = consumer.events.positions([0, 1]);
  await clock.advance(0);
  expect(order).toEqual([]);
  target.finish(new MooringError('SINK_FAILED', 'full'));
  await clock.advance(60_000);
  expect(order).toEqual(['find after 1 writes']);
  expect(target.writes).toHaveLength(1);
  found.resolve();
  await asked;
  consumer.give(0, 0, 9);
  await clock.advance(0);
  expect(target.writes[1]).toMatchObject({ offsets: { 0: 10 } });
  await end();
});

test.each(span(0, 8))(
  'what waits for its turn when the session ends is not told to the group as if it were written: %d',
  async (steps) => {
    await clock.advance(5000);
    consumer.commits.length = 0;
    consumer.give(0, 0, 4);
    for (let step = 0; step < steps; step += 1) await Promise.resolve();
    closing.abort();
    await clock.advance(0);
    target.finish();
    await clock.advance(0);
    await running;
    expect(consumer.commits).toEqual(target.writes.length === 0 ? [] : [{ 0: 5 }]);
  },
);

test('an answer about partitions that were taken away meanwhile changes nothing', async () => {
  consumer.commits.length = 0;
  consumer.events.onRevoked([0, 1]);
  const asked = consumer.events.positions([1]);
  consumer.events.onRevoked([1]);
  await asked;
  consumer.give(1, 0, 4);
  await clock.advance(5000);
  expect(target.writes).toEqual([]);
  expect(consumer.commits).toEqual([]);
  await end();
});

test('the group hears at most once a second how far it is, and what failed goes along with the next', async () => {
  await clock.advance(10);
  consumer.commits.length = 0;
  for (const offset of span(0, 9)) {
    consumer.give(0, offset, offset);
    await clock.advance(0);
    target.finish();
    await clock.advance(150);
  }
  expect(consumer.commits).toHaveLength(1);
  consumer.commitFailure = new MooringError('LOG_FAILED', 'rebalancing');
  await clock.advance(5000);
  consumer.commitFailure = undefined;
  consumer.give(1, 0, 0);
  await clock.advance(0);
  target.finish();
  await clock.advance(1000);
  expect(consumer.commits.at(-1)).toEqual({ 0: 10, 1: 1 });
  await end();
});

test('when the consumer fails, the write under way ends first, nothing else begins, and the group is left', async () => {
  consumer.give(0, 0, 4);
  await clock.advance(0);
  consumer.give(0, 5, 9);
  const failed = expect(running).rejects.toMatchObject({ code: 'LOG_FAILED', cause: { message: 'gone' } });
  consumer.events.onFailed(new Error('gone'));
  await clock.advance(60_000);
  expect(consumer.calls).not.toContain('close');
  target.finish();
  await clock.advance(0);
  await failed;
  expect(target.writes).toHaveLength(1);
  expect(consumer.calls.at(-1)).toBe('close');
  expect(clock.pendingTimers).toBe(0);
});

test('the lag is what the log has and the target has not, of the partitions that are read', async () => {
  const spans = [
    { first: 0, end: 10 },
    { first: 0, end: 20 },
    { first: 0, end: 40 },
  ];
  expect(session.lag(spans)).toBe(30);
  consumer.give(0, 0, 4);
  await clock.advance(0);
  expect(session.lag(spans)).toBe(30);
  target.finish();
  await clock.advance(0);
  expect(session.lag(spans)).toBe(25);
  consumer.events.onRevoked([1]);
  expect(session.lag(spans)).toBe(5);
  await end();
});

test('before the first assignment nobody knows the lag', async () => {
  await end();
  const other = start();
  expect(other.lag([{ first: 0, end: 10 }])).toBeUndefined();
  await consumer.events.positions([0]);
  expect(other.lag([{ first: 0, end: 10 }])).toBe(10);
});

test('what the target refuses is in the dead letter, with where it stood and why, before the group hears of it', async () => {
  await clock.advance(5000);
  consumer.commits.length = 0;
  const put = Promise.withResolvers<void>();
  append = async (some) => {
    await put.promise;
    letters.push(...some);
  };
  consumer.give(0, 0, 2);
  consumer.give(1, 7, 8);
  await clock.advance(0);
  target.refuse(1, 4);
  await clock.advance(5000);
  expect(consumer.commits).toEqual([]);
  put.resolve();
  await clock.advance(0);
  expect(letters).toEqual([
    { topic: 't', partition: 0, offset: 1, sink: 'archive', value: Buffer.from('1'), reason: 'no place for 1' },
    { topic: 't', partition: 1, offset: 8, sink: 'archive', value: Buffer.from('8'), reason: 'no place for 4' },
  ]);
  expect(consumer.commits).toEqual([{ 0: 3, 1: 9 }]);
  await end();
});

test('while the dead letter takes nothing, what was refused is asked no more, and the others stay as they are', async () => {
  append = () => Promise.reject(new MooringError('LOG_FAILED', 'away'));
  consumer.give(0, 0, 2);
  await clock.advance(0);
  target.refuse(1);
  await clock.advance(60_000);
  expect(target.writes).toHaveLength(1);
  append = async (some) => void letters.push(...some);
  await clock.advance(60_000);
  target.finish();
  await clock.advance(1000);
  expect(target.writes.map(({ items }) => items)).toEqual([
    ['0', '1', '2'],
    ['0', '2'],
  ]);
  expect(letters.map(({ offset }) => offset)).toEqual([1]);
  expect(consumer.commits.at(-1)).toEqual({ 0: 3 });
  await end();
});

test('what was refused and is not aside when the session ends is not told to the group as if it were', async () => {
  await clock.advance(5000);
  consumer.commits.length = 0;
  const put = Promise.withResolvers<void>();
  append = () => put.promise;
  consumer.give(0, 0, 40);
  await clock.advance(0);
  target.refuse(...span(0, 40));
  await clock.advance(0);
  closing.abort();
  put.resolve();
  await clock.advance(0);
  await running;
  expect(consumer.commits).toEqual([]);
});

test('a refusal is of the partition that it came from, also where another is taken away between two tries', async () => {
  consumer.give(0, 0, 4);
  consumer.give(1, 0, 4);
  await clock.advance(0);
  consumer.events.onRevoked([0]);
  target.finish(new MooringError('SINK_FAILED', 'full'));
  await clock.advance(60_000);
  target.refuse(3);
  await clock.advance(1000);
  expect(letters).toMatchObject([{ partition: 1, offset: 3 }]);
  expect(consumer.commits.at(-1)).toEqual({ 1: 5 });
  await end();
});

test('a target that says how much it takes gets no more at once, and the group hears of each write', async () => {
  await clock.advance(5000);
  target.paced = { records: 4, bytes: 1000, lingerMs: 0 };
  consumer.commits.length = 0;
  consumer.give(0, 0, 5);
  consumer.give(1, 0, 0);
  await clock.advance(0);
  expect(target.writes.map(({ offsets }) => offsets)).toEqual([{ 0: 3, 1: 1 }]);
  target.finish();
  await clock.advance(5000);
  expect(target.writes.slice(1).map(({ offsets }) => offsets)).toEqual([{ 0: 6 }]);
  expect(consumer.commits).toEqual([{ 0: 3, 1: 1 }]);
  target.finish();
  await clock.advance(5000);
  expect(consumer.commits.at(-1)).toEqual({ 0: 6 });
  await end();
});

test('the first after an idle time waits for others, as long as it is told to or until the write is full', async () => {
  target.paced = { records: 3, bytes: 1000, lingerMs: 100 };
  // It was idle, and had another pace then.
  consumer.give(0, 0, 0);
  await clock.advance(0);
  target.finish();
  await clock.advance(10);
  consumer.give(0, 1, 1);
  await clock.advance(60);
  consumer.give(1, 0, 0);
  await clock.advance(39);
  expect(target.writes).toHaveLength(1);
  await clock.advance(1);
  expect(target.writes[1]).toMatchObject({ offsets: { 0: 2, 1: 1 } });
  target.finish();
  await clock.advance(10);
  consumer.give(0, 2, 4);
  await clock.advance(0);
  expect(target.writes).toHaveLength(3);
  await end();
  expect(clock.pendingTimers).toBe(0);
});

test('who waits for others does not wait when the session ends', async () => {
  target.paced = { records: 3, bytes: 1000, lingerMs: 100_000 };
  consumer.give(0, 0, 0);
  await clock.advance(0);
  target.finish();
  await clock.advance(10);
  consumer.give(0, 1, 1);
  await clock.advance(0);
  closing.abort();
  await clock.advance(0);
  await running;
  expect(target.writes).toHaveLength(1);
  expect(clock.pendingTimers).toBe(0);
});
