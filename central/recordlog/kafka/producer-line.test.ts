import { beforeEach, expect, test } from 'vitest';
import { MooringError } from '../../../runtime/errors.ts';
import { silentLog } from '../../../runtime/log.ts';
import { SeededRandom } from '../../../runtime/random.ts';
import { SteppedClock } from '../../../sim/clock.ts';
import { MemoryKafka } from '../../../sim/memory-kafka.ts';
import type { KafkaProducer, Produced } from './client.ts';
import type { ProduceOutcome } from './produce-request.ts';
import { ProducerLine } from './producer-line.ts';

const TOPIC = 'mooring.records';
const BYTES_MAX = 1_048_588;

let clock: SteppedClock;
let kafka: MemoryKafka;
let line: ProducerLine;
let fatal: MooringError[];
/** What is asked before each new producer. */
let prove: () => Promise<void>;
let verify: (produced: readonly Produced[]) => void;

function make(sendsAtOnce = 1): void {
  clock = new SteppedClock();
  kafka = new MemoryKafka({ sendsAtOnce });
  kafka.makeTopic({ name: TOPIC, partitions: 2, replication: 1, settings: {} });
  fatal = [];
  prove = () => Promise.resolve();
  verify = () => undefined;
  line = new ProducerLine({
    sendsAtOnce,
    connect: async (): Promise<KafkaProducer> => {
      await prove();
      return await kafka.createProducer();
    },
    messageBytesMax: () => BYTES_MAX,
    beginSend: () => (produced) => verify(produced),
    onFatal: (error) => void fatal.push(error),
    clock,
    random: new SeededRandom(1),
    log: silentLog,
  });
}

beforeEach(async () => {
  make();
  line.open();
  await clock.advance(0);
});

/** Produces values and keeps what becomes of them. */
function produce(values: readonly string[], { partition = 0, patienceMs = 20_000 } = {}) {
  const result: { outcome?: ProduceOutcome; error?: MooringError } = {};
  void line
    .produce({
      messages: values.map((value) => ({ topic: TOPIC, partition, key: 'plaka', value })),
      sizes: values.map((value) => Buffer.byteLength(value)),
      deadlineMs: clock.monotonicMs() + patienceMs,
    })
    .then(
      (outcome) => (result.outcome = outcome),
      (error: MooringError) => (result.error = error),
    );
  return result;
}

const sent = (): string[][] => kafka.sends.map((messages) => messages.map(({ value }) => value));

test('what waits while a send is under way shares the next one, and each hears where its own messages are', async () => {
  const a = produce(['a1', 'a2']);
  const b = produce(['b1']);
  const c = produce(['c1'], { partition: 1 });
  const d = produce(['d1', 'd2']);
  await clock.advance(0);
  expect(sent()).toEqual([
    ['a1', 'a2'],
    ['b1', 'c1', 'd1', 'd2'],
  ]);
  expect([a, b, c, d].map(({ outcome }) => outcome)).toEqual([
    { span: { first: 0, last: 1 }, refused: [] },
    { span: { first: 2, last: 2 }, refused: [] },
    { span: { first: 0, last: 0 }, refused: [] },
    { span: { first: 3, last: 4 }, refused: [] },
  ]);
});

test('no more sends are under way than the client takes', async () => {
  make(3);
  line.open();
  await clock.advance(0);
  kafka.faults.hangs = true;
  const all = ['a', 'b', 'c', 'd', 'e'].map((value) => produce([value]));
  await clock.advance(0);
  expect(sent()).toEqual([['a'], ['b'], ['c']]);
  kafka.release();
  await clock.advance(0);
  expect(sent().slice(3)).toEqual([['d', 'e']]);
  expect(all.every(({ outcome }) => outcome !== undefined)).toBe(true);
});

test('after a failed send a new producer sends the same messages again: what is acknowledged is there', async () => {
  kafka.faults.sendsRejected = 1;
  const a = produce(['a']);
  const b = produce(['b']);
  await clock.advance(1000);
  expect(a.outcome).toEqual({ span: { first: 0, last: 0 }, refused: [] });
  expect(b.outcome).toEqual({ span: { first: 1, last: 1 }, refused: [] });
  expect([...kafka.values(TOPIC)].sort()).toEqual(['a', 'b']);
  expect(kafka.producersMade).toBe(2);
  expect(kafka.producersClosed).toBe(1);
});

test('an answer that was lost makes messages stand there twice, and none missing', async () => {
  kafka.faults.answersLost = 2;
  const results = ['a', 'b', 'c'].map((value) => produce([value]));
  await clock.advance(5000);
  expect(results.map(({ outcome }) => outcome !== undefined)).toEqual([true, true, true]);
  expect(new Set(kafka.values(TOPIC))).toEqual(new Set(['a', 'b', 'c']));
  expect(kafka.producersMade).toBe(3);
});

test('a send that is never answered is given up, and sent again by another producer', async () => {
  kafka.faults.hangs = true;
  const a = produce(['a'], { patienceMs: 60_000 });
  await clock.advance(17_000);
  kafka.faults.hangs = false;
  expect(kafka.producersMade).toBe(1);
  await clock.advance(2000);
  expect(a.outcome).toBeDefined();
  expect(kafka.producersMade).toBe(2);
});

test('at its deadline a request is rejected, whatever the broker does, and nothing of it stays', async () => {
  kafka.faults.hangs = true;
  const a = produce(['a']);
  await clock.advance(10_000);
  const b = produce(['b']);
  await clock.advance(9999);
  expect([a, b]).toEqual([{}, {}]);
  await clock.advance(1);
  expect(a.error?.code).toBe('LOG_FAILED');
  await clock.advance(10_000);
  expect(b.error?.code).toBe('LOG_FAILED');
  kafka.release();
  await clock.advance(10_000);
  expect(kafka.sends.length).toBeLessThanOrEqual(2);
  expect(clock.pendingTimers).toBe(0);
});

test('while there is no producer everything is rejected at once, and it is connected again for ever', async () => {
  kafka.faults.isGone = true;
  const before = produce(['a']);
  await clock.advance(1000);
  expect(before.error?.code).toBe('LOG_FAILED');
  const meanwhile = produce(['b']);
  await clock.advance(0);
  expect(meanwhile.error?.code).toBe('LOG_FAILED');
  await clock.advance(3_600_000);
  kafka.faults.isGone = false;
  await clock.advance(5000);
  const after = produce(['c']);
  await clock.advance(0);
  expect(after.outcome).toBeDefined();
  expect(kafka.values(TOPIC)).toEqual(['c']);
});

test('what comes before the first producer is there waits for it', async () => {
  make();
  const gate = Promise.withResolvers<void>();
  prove = () => gate.promise;
  line.open();
  const a = produce(['a']);
  await clock.advance(5000);
  expect(a).toEqual({});
  gate.resolve();
  await clock.advance(0);
  expect(a.outcome).toBeDefined();
});

test('a request of more than a send may carry goes in several', async () => {
  const value = 'x'.repeat(100_000);
  const a = produce(Array.from({ length: 20 }, () => value));
  await clock.advance(0);
  expect(kafka.sends.map((messages) => messages.length)).toEqual([8, 8, 4]);
  expect(a.outcome).toEqual({ span: { first: 0, last: 19 }, refused: [] });
});

test('a message that its topic can never take is refused without being sent', async () => {
  const a = produce(['a', 'x'.repeat(BYTES_MAX), 'b']);
  const b = produce(['x'.repeat(BYTES_MAX)]);
  await clock.advance(0);
  expect(a.outcome).toEqual({ span: { first: 0, last: 1 }, refused: [{ index: 1, isTooLarge: true }] });
  expect(b.outcome).toEqual({ span: undefined, refused: [{ index: 0, isTooLarge: true }] });
  expect(kafka.values(TOPIC)).toEqual(['a', 'b']);
});

test('what the broker refuses is found among the others, which are stored; other requests are not harmed', async () => {
  kafka.faults.refuses = ({ value }) => value.startsWith('bad');
  const first = produce(['one']);
  const poisoned = produce(['a', 'bad1', 'b', 'c', 'd', 'bad2', 'e']);
  const other = produce(['x', 'y']);
  const third = produce(['z'], { partition: 1 });
  await clock.advance(0);
  expect(first.outcome?.refused).toEqual([]);
  expect(poisoned.outcome?.refused).toEqual([
    { index: 1, isTooLarge: false },
    { index: 5, isTooLarge: false },
  ]);
  expect(other.outcome?.refused).toEqual([]);
  expect(third.outcome?.refused).toEqual([]);
  const stored = new Set(kafka.values(TOPIC));
  expect(stored).toEqual(new Set(['one', 'a', 'b', 'c', 'd', 'e', 'x', 'y', 'z']));
});

test('a request of nothing but poison comes to its end, also when that takes longer than its deadline', async () => {
  kafka.faults.refuses = () => true;
  prove = () => clock.sleep(100);
  const a = produce(Array.from({ length: 300 }, (_, index) => `bad${index}`));
  await clock.advance(120_000);
  expect(a.outcome?.span).toBeUndefined();
  expect(a.outcome?.refused).toHaveLength(300);
});

test('what cannot be true ends it: nothing is acknowledged any more', async () => {
  verify = () => {
    throw new MooringError('LOG_CHANGED', 'another log');
  };
  const a = produce(['a']);
  const b = produce(['b']);
  await clock.advance(0);
  expect([a.error?.code, b.error?.code]).toEqual(['LOG_CHANGED', 'LOG_CHANGED']);
  const c = produce(['c']);
  await clock.advance(60_000);
  expect(c.error?.code).toBe('LOG_CHANGED');
  expect(fatal.map(({ code }) => code)).toEqual(['LOG_CHANGED']);
  expect(kafka.producersMade).toBe(1);
});

test('a log that is not fit ends it before anything is sent', async () => {
  make();
  prove = async () => await Promise.reject(new MooringError('LOG_UNFIT', 'weak'));
  line.open();
  const a = produce(['a']);
  await clock.advance(0);
  expect(a.error?.code).toBe('LOG_UNFIT');
  expect(fatal.map(({ code }) => code)).toEqual(['LOG_UNFIT']);
});

test('closing finishes what was accepted, then lets the producer go', async () => {
  const a = produce(['a']);
  const b = produce(['b']);
  const closing = line.close();
  await clock.advance(0);
  await closing;
  expect([a.outcome !== undefined, b.outcome !== undefined]).toEqual([true, true]);
  expect(kafka.producersClosed).toBe(1);
  const late = produce(['c']);
  await clock.advance(0);
  expect(late.error?.code).toBe('LOG_FAILED');
});

test('closing does not wait for a broker that hangs any longer than for the deadlines', async () => {
  kafka.faults.hangs = true;
  produce(['a']);
  let isClosed = false;
  const closing = line.close().then(() => {
    isClosed = true;
  });
  await clock.advance(19_999);
  expect(isClosed).toBe(false);
  await clock.advance(4000);
  await closing;
  expect(isClosed).toBe(true);
});
