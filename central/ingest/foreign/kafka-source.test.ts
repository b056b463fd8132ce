import { expect, test } from 'vitest';
import { MooringError } from '../../../runtime/errors.ts';
import { SeededRandom } from '../../../runtime/random.ts';
import { SteppedClock } from '../../../sim/clock.ts';
import { LogLines } from '../../../test/log-lines.ts';
import { ScriptedConsumer } from '../../../test/session-stage.ts';
import type { KafkaAdmin, KafkaClient, LogSpan } from '../../recordlog/kafka/client.ts';
import type { ForeignOutcome, ReceivedMessage } from './foreign-intake.ts';
import { KafkaSource } from './kafka-source.ts';

const WALL_MS = Date.UTC(2026, 1, 1);
const TAKEN: ForeignOutcome = { isTaken: true, records: [], refused: [] };
const AWAY: ForeignOutcome = { isTaken: false, why: 'failed', retryAfterMs: 2000 };

interface SetUp {
  readonly window?: number;
  readonly spans?: readonly LogSpan[];
  readonly committed?: readonly (number | undefined)[];
}

/** A source between a consumer that does what the test says and an intake that answers what it says. */
async function setUp({ window = 500, spans = [{ first: 0, end: 100 }], committed = [undefined] }: SetUp = {}) {
  const clock = new SteppedClock(WALL_MS);
  const said = new LogLines();
  const consumers: ScriptedConsumer[] = [];
  const messages: ReceivedMessage[] = [];
  const fate: { answer: () => ForeignOutcome | Promise<ForeignOutcome> } = { answer: () => TAKEN };
  const asked: { answer: () => SetUp['committed'] | Promise<SetUp['committed']> } = { answer: () => committed };
  const admin = {
    offsets: async () => spans,
    committed: async () => await asked.answer(),
    close: async () => undefined,
  };
  const client = {
    createAdmin: () => admin as unknown as KafkaAdmin,
    createConsumer: (events) => {
      const consumer = new ScriptedConsumer(events);
      consumers.push(consumer);
      return consumer;
    },
  } as Partial<KafkaClient> as KafkaClient;
  const source = new KafkaSource({
    ...{ source: 'city', topic: 'lines', group: 'mooring.source:city:lines', client, window, clock, log: said },
    random: new SeededRandom(1),
    intake: {
      take: async (message) => {
        messages.push(message);
        return await fate.answer();
      },
    },
  });
  await source.open(new AbortController().signal);
  await clock.advance(0);
  const consumer = (): ScriptedConsumer => consumers.at(-1) as ScriptedConsumer;
  const assign = (partitions: readonly number[]) => consumer().events.positions(partitions);
  return { clock, said, source, consumers, consumer, assign, messages, fate, asked };
}

test('offsets are committed once their messages are taken, every second, and not again', async () => {
  const { clock, source, consumer, assign, messages } = await setUp();
  expect(await assign([0])).toEqual(new Map([[0, 0]]));
  consumer().give(0, 0, 4);
  expect(consumer().commits).toEqual([]);
  await clock.advance(1000);
  expect(messages.map(({ bytes, topic }) => [Buffer.from(bytes).toString(), topic])).toEqual(
    ['0', '1', '2', '3', '4'].map((text) => [text, 'lines']),
  );
  expect(consumer().commits).toEqual([{ 0: 5 }]);
  await clock.advance(5000);
  expect(consumer().commits).toHaveLength(1);
  expect(source.status()).toEqual({
    ...{ topic: 'lines', isJoined: true, partitions: 1, received: 5, empty: 0, taken: 5, waiting: 0, lost: 0 },
  });
  await source.close();
  expect(source.status()).toMatchObject({ isJoined: false, partitions: 0 });
});

test('a message that cannot be stored is given again until it is, and nothing behind it is committed', async () => {
  const { clock, source, consumer, assign, messages, fate } = await setUp();
  await assign([0]);
  let answers = 0;
  fate.answer = () => {
    answers += 1;
    return answers === 1 ? AWAY : TAKEN;
  };
  consumer().give(0, 0, 1);
  await clock.advance(1000);
  expect(consumer().commits).toEqual([]);
  expect(source.status()).toMatchObject({ taken: 1, waiting: 2 });
  await clock.advance(2000);
  expect(messages.map(({ bytes }) => Buffer.from(bytes).toString())).toEqual(['0', '1', '0']);
  expect(consumer().commits).toEqual([{ 0: 2 }]);
  await source.close();
});

test('it begins where the group was, and at the beginning where it was nowhere; what was deleted meanwhile is counted', async () => {
  const { said, source, assign } = await setUp({
    spans: [
      { first: 0, end: 100 },
      { first: 40, end: 100 },
      { first: 20, end: 30 },
      { first: 7, end: 9 },
    ],
    committed: [60, 15, 31, undefined],
  });
  expect([...(await assign([0, 1, 2, 3, 9]))]).toEqual([
    [0, 60],
    [1, 40],
    [2, 20],
    [3, 7],
  ]);
  expect(source.status()).toMatchObject({ partitions: 4, lost: 25 });
  expect(said.told).toEqual([
    'info: a source reads its topic',
    'error: messages of a source were deleted before they were read',
    'warn: a topic of a source is another: it begins anew',
  ]);
  await source.close();
});

test('a partition that is taken away is committed no more, and what was under way of it comes again by its next owner', async () => {
  const { clock, source, consumer, assign, fate } = await setUp({
    spans: [
      { first: 0, end: 100 },
      { first: 0, end: 100 },
    ],
  });
  await assign([0, 1]);
  const late = Promise.withResolvers<ForeignOutcome>();
  fate.answer = () => late.promise;
  consumer().give(0, 0, 3);
  fate.answer = () => TAKEN;
  consumer().give(1, 0, 3);
  consumer().events.onRevoked([0]);
  late.resolve(TAKEN);
  await clock.advance(1000);
  expect(consumer().commits).toEqual([{ 1: 4 }]);
  consumer().give(0, 4, 4);
  await clock.advance(1000);
  expect(consumer().commits).toHaveLength(1);
  expect(source.status()).toMatchObject({ partitions: 1, waiting: 0 });
  await source.close();
});

test.each(['another assignment', 'a revocation of all'])(
  'an answer that comes after %s begins nothing',
  async (after) => {
    const { clock, source, consumer, assign, fate, asked } = await setUp({
      spans: [
        { first: 0, end: 100 },
        { first: 0, end: 100 },
      ],
    });
    const late = Promise.withResolvers<SetUp['committed']>();
    asked.answer = () => late.promise;
    const first = assign([0, 1]);
    await clock.advance(0);
    asked.answer = () => [undefined, undefined];
    const stored = Promise.withResolvers<ForeignOutcome>();
    if (after === 'another assignment') {
      await assign([0]);
      fate.answer = () => stored.promise;
      consumer().give(0, 0, 4);
    } else consumer().events.onRevoked([0, 1]);
    late.resolve([undefined, undefined]);
    expect(await first).toEqual(new Map());
    fate.answer = () => TAKEN;
    consumer().give(0, 5, 5);
    await clock.advance(1000);
    expect(consumer().commits).toEqual([]);
    stored.resolve(TAKEN);
    await clock.advance(1000);
    expect(consumer().commits).toEqual(after === 'another assignment' ? [{ 0: 6 }] : []);
    await source.close();
  },
);

test('a partition of which too many wait is held, and read on when there is room', async () => {
  const { clock, source, consumer, assign, fate } = await setUp({ window: 2 });
  await assign([0]);
  const stored = Promise.withResolvers<ForeignOutcome>();
  fate.answer = () => stored.promise;
  consumer().give(0, 0, 2);
  expect(consumer().calls).toEqual(['open', 'pause 0']);
  stored.resolve(TAKEN);
  await clock.advance(1000);
  expect(consumer().calls).toEqual(['open', 'pause 0', 'resume 0']);
  expect(consumer().commits).toEqual([{ 0: 3 }]);
  await source.close();
});

test('a commit that fails is made with the next, and a group that cannot go on is joined again with back-off', async () => {
  const { clock, said, source, consumers, consumer, assign } = await setUp();
  await assign([0]);
  consumer().commitFailure = new MooringError('LOG_FAILED', 'rebalancing');
  consumer().give(0, 0, 0);
  await clock.advance(1000);
  consumer().commitFailure = undefined;
  await clock.advance(1000);
  expect(consumer().commits).toEqual([{ 0: 1 }]);
  consumer().events.onFailed(new MooringError('LOG_UNFIT', 'may not read'));
  await clock.advance(0);
  expect(consumer().calls.at(-1)).toBe('close');
  expect(source.status()).toMatchObject({ isJoined: false, partitions: 0 });
  await clock.advance(30_000);
  expect(consumers).toHaveLength(2);
  expect(source.status().isJoined).toBe(true);
  expect(said.told).toEqual([
    'info: a source reads its topic',
    'warn: the topic of a source is not read; trying again',
    'info: the topic of a source is read again',
  ]);
  await source.close();
});

test('a message without a value says nothing, and one of a broker without a clock is of now', async () => {
  const { clock, source, consumer, assign, messages } = await setUp();
  await assign([0]);
  const message = { offset: 0, key: undefined, value: Buffer.alloc(0), timestampMs: WALL_MS - 5000 };
  consumer().events.onMessages(0, [
    message,
    { ...message, offset: 1, value: Buffer.from('a') },
    { ...message, offset: 2, value: Buffer.from('b'), timestampMs: -1 },
    { ...message, offset: 3, value: Buffer.from('c'), timestampMs: WALL_MS + 3_600_000 },
  ]);
  await clock.advance(1000);
  expect(messages.map(({ receivedAtMs }) => receivedAtMs - WALL_MS)).toEqual([-5000, 0, 0]);
  expect(source.status()).toMatchObject({ received: 4, empty: 1, taken: 3 });
  expect(consumer().commits).toEqual([{ 0: 4 }]);
  await source.close();
});

test('closing commits what is stored within two seconds, takes nothing more, and leaves the rest to be read again', async () => {
  const { clock, source, consumer, assign, messages, fate } = await setUp();
  await assign([0]);
  const stored = Promise.withResolvers<ForeignOutcome>();
  const answers: (ForeignOutcome | Promise<ForeignOutcome>)[] = [stored.promise, AWAY];
  fate.answer = () => answers.shift() ?? AWAY;
  consumer().give(0, 0, 1);
  const closed = source.close();
  consumer().give(0, 2, 2);
  stored.resolve(TAKEN);
  await clock.advance(1900);
  expect(consumer().calls).toEqual(['open']);
  await clock.advance(3000);
  await closed;
  expect(messages.map(({ bytes }) => Buffer.from(bytes).toString())).not.toContain('2');
  expect(consumer().commits).toEqual([{ 0: 1 }]);
  expect(consumer().calls.at(-1)).toBe('close');
  expect(clock.pendingTimers).toBe(0);
});
