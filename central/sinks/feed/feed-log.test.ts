import { beforeEach, expect, test } from 'vitest';
import { Ledger } from '../../../cli/audit/ledger.ts';
import { MooringError } from '../../../runtime/errors.ts';
import { MemoryKafka } from '../../../sim/memory-kafka.ts';
import { span } from '../../../test/conformance/entries.ts';
import { FeedStage, GROUP, RUN, TOPIC } from '../../../test/feed-stage.ts';
import type { KafkaAdmin, KafkaConsumerOptions } from '../../recordlog/kafka/client.ts';

/** By then the log has been looked at twice, and what follows is written. */
const CONFIRMED_MS = 8000;

let stage: FeedStage;
beforeEach(() => {
  stage = new FeedStage();
});

const gaps = () => stage.written().filter(({ kind }) => kind === 'gap');

/** A sink that has read to 10, and whose log begins at 25 now, of 30. */
async function expired(): Promise<void> {
  stage.put(1, 10);
  const first = await stage.start();
  await first.close();
  stage.put(11, 30);
  stage.kafka.expire(TOPIC, 0, 25);
}

test('where what is next is gone, the feed stops, says so in the sink itself, and goes on nowhere', async () => {
  await expired();
  for (let start = 0; start < 3; start += 1) {
    const feed = await stage.start();
    await stage.clock.advance(60_000);
    expect(feed.status()).toMatchObject({
      state: 'stopped',
      lastError: { code: 'LOG_EXPIRED', hint: expect.stringContaining('`mooring central -c FILE --resume archive`') },
    });
    await feed.close();
  }
  expect(stage.fatal).toEqual([]);
  expect(stage.said.told.filter((line) => line.startsWith('error'))).toEqual(
    Array.from({ length: 3 }, () => 'error: the sink is fed no more'),
  );
  expect(stage.sequencesOf(RUN)).toEqual(span(1, 10));
  expect(stage.positions()).toEqual({ 0: 10 });
  expect(gaps()).toEqual([
    {
      id: expect.stringMatching(/-000000000001$/),
      gateway: '_centre',
      station: 'archive',
      kind: 'gap',
      timestamp: expect.any(String),
      clock: 'unsynced',
      info: { reason: 'expired', log: `cluster-1/${TOPIC}`, partition: 0, from: 10, to: 25 },
      received_at: expect.any(String),
    },
  ]);
});

test('who asks for it has the feed go on with the earliest, once: the gap and where it goes on are one commit', async () => {
  await expired();
  const feed = await stage.start({ resumeAtEarliest: true });
  await stage.clock.advance(CONFIRMED_MS);
  expect(feed.status().state).toBe('feeding');
  expect(stage.sequencesOf(RUN)).toEqual([...span(1, 10), ...span(26, 30)]);
  expect(gaps()).toHaveLength(1);
  expect(stage.positions()).toMatchObject({ 0: 30 });

  stage.put(31, 40);
  await stage.clock.advance(2000);
  stage.kafka.faults.isGone = true;
  stage.kafka.failConsumers();
  stage.kafka.faults.isGone = false;
  stage.put(41, 60);
  stage.kafka.expire(TOPIC, 0, 55);
  await stage.clock.advance(60_000);
  expect(feed.status()).toMatchObject({ state: 'stopped', lastError: { code: 'LOG_EXPIRED' } });
  await feed.close();
});

test('an audit takes the record of the centre as it is', async () => {
  await expired();
  const feed = await stage.start();
  await stage.clock.advance(CONFIRMED_MS);
  await feed.close();
  const ledger = new Ledger();
  for (const record of stage.written()) ledger.addRecord(record);
  const ofCentre = ledger.runs().filter(({ gateway }) => gateway === '_centre');
  expect(ofCentre).toMatchObject([{ first: 1, last: 1, records: 1, holes: [], duplicates: 0, gaps: [] }]);
  expect(ledger.foreign).toBe(0);
});

test('a log that ends before what was read of it stops the feed too', async () => {
  stage.put(1, 10);
  const first = await stage.start();
  await first.close();
  stage.kafka.deleteTopic(TOPIC);
  stage.makeTopic();
  stage.put(1, 4);
  const feed = await stage.start();
  await stage.clock.advance(CONFIRMED_MS);
  expect(feed.status()).toMatchObject({ state: 'stopped', lastError: { code: 'LOG_EXPIRED' } });
  expect(gaps()).toMatchObject([{ info: { from: 10, to: 0 } }]);
  await feed.close();
  const resumed = await stage.start({ resumeAtEarliest: true });
  stage.put(11, 12);
  await stage.clock.advance(CONFIRMED_MS);
  expect(stage.sequencesOf(RUN)).toEqual(span(1, 12));
  expect(stage.positions()).toMatchObject({ 0: 6 });
  await resumed.close();
});

test('a topic that is begun anew under a running feed stops it, also where its consumer notices nothing', async () => {
  stage.put(1, 10);
  const feed = await stage.start();
  await stage.clock.advance(15_000);
  stage.kafka.deleteTopic(TOPIC);
  stage.makeTopic();
  await stage.clock.advance(60_000);
  expect(feed.status()).toMatchObject({ state: 'stopped', lastError: { code: 'LOG_EXPIRED' } });
  await feed.close();
});

test('a topic that is deleted, a cluster that is another one, or another number of partitions ends the centre', async () => {
  const changes: [() => void, string][] = [
    [() => stage.kafka.deleteTopic(TOPIC), 'LOG_CHANGED'],
    [() => stage.kafka.wipe('cluster-2'), 'LOG_CHANGED'],
    [() => stage.makeTopic(7), 'LOG_UNFIT'],
  ];
  for (const [change, code] of changes) {
    stage = new FeedStage();
    stage.put(1, 10);
    const feed = await stage.start();
    change();
    await stage.clock.advance(60_000);
    expect(feed.status()).toMatchObject({ state: 'stopped', lastError: { code } });
    expect(stage.fatal).toMatchObject([{ code }]);
    await feed.close();
  }
});

test('what looks wrong for a moment only, as while brokers start one after the other, ends nothing and leaves no word', async () => {
  stage.put(1, 10);
  const feed = await stage.start();
  const lacking: Partial<KafkaAdmin>[] = [
    { describeTopic: async () => undefined },
    { clusterId: async () => 'cluster-2' },
    { offsets: async () => [0, 1, 2].map(() => ({ first: 0, end: 0 })) },
    { offsets: async () => [0, 1, 2].map(() => ({ first: 50, end: 60 })) },
  ];
  for (const wrong of lacking) {
    stage.kafka.looking = wrong;
    stage.kafka.failConsumers();
    for (let looked = false; !looked; ) {
      await stage.clock.advance(100);
      looked = feed.status().lastError?.retry === 'never';
    }
    stage.kafka.looking = {};
    await stage.clock.advance(30_000);
    expect(feed.status()).toMatchObject({ state: 'feeding', lastError: undefined });
  }
  stage.put(11, 20);
  await stage.clock.advance(2000);
  expect(stage.sequencesOf(RUN)).toEqual(span(1, 20));
  expect(gaps()).toEqual([]);
  expect(stage.fatal).toEqual([]);
  await feed.close();
});

test('a topic that was read before this start and is gone, or is of another cluster, ends the centre until it is told to go on', async () => {
  stage.put(1, 10);
  const first = await stage.start();
  await first.close();
  stage.kafka.deleteTopic(TOPIC);
  const deleted = await stage.start();
  await stage.clock.advance(CONFIRMED_MS);
  expect(deleted.status().lastError).toMatchObject({ code: 'LOG_CHANGED', message: 'the topic was deleted' });
  await deleted.close();

  stage.kafka.wipe('cluster-2');
  stage.makeTopic();
  stage.put(8, 14);
  const changed = await stage.start();
  await stage.clock.advance(CONFIRMED_MS);
  expect(changed.status().lastError).toMatchObject({
    code: 'LOG_CHANGED',
    context: { was: `cluster-1/${TOPIC}`, is: `cluster-2/${TOPIC}` },
    hint: expect.stringContaining('--resume archive'),
  });
  expect(stage.fatal).toHaveLength(2);
  await changed.close();

  const resumed = await stage.start({ resumeAtEarliest: true });
  await stage.clock.advance(CONFIRMED_MS);
  await resumed.close();
  const after = await stage.start();
  expect(after.status().state).toBe('feeding');
  expect(stage.sequencesOf(RUN)).toEqual(span(1, 14));
  await after.close();
});

test('a topic that is not there yet, and a Kafka that never was, are waited for, and that is told once', async () => {
  stage.kafka.faults.isGone = true;
  stage.kafka.deleteTopic(TOPIC);
  const feed = await stage.start();
  await stage.clock.advance(5 * 60 * 60_000);
  expect(feed.status()).toMatchObject({ state: 'starting', lastError: { code: 'LOG_FAILED' } });
  stage.kafka.faults.isGone = false;
  await stage.clock.advance(60_000);
  stage.makeTopic();
  stage.put(1, 10);
  await stage.clock.advance(20_000);
  expect(stage.sequencesOf(RUN)).toEqual(span(1, 10));
  expect(stage.said.told.filter((line) => line.startsWith('warn'))).toEqual([
    'warn: the log is not read; trying again',
  ]);
  expect(stage.fatal).toEqual([]);
  await feed.close();
});

test('a group that is not let in at the first try only is no warning', async () => {
  let refusals = 1;
  const { createConsumer } = MemoryKafka.prototype;
  stage.kafka.createConsumer = function (this: MemoryKafka, options: KafkaConsumerOptions) {
    const consumer = createConsumer.call(this, options);
    if (refusals > 0) consumer.open = () => Promise.reject(new MooringError('LOG_FAILED', 'not yet'));
    refusals -= 1;
    return consumer;
  };
  stage.put(1, 10);
  const feed = await stage.start();
  await stage.clock.advance(5000);
  expect(stage.said.told).toEqual(['info: reading the log']);
  expect(feed.status()).toMatchObject({ state: 'feeding', lastError: undefined });
  await feed.close();
});

test('a Kafka that is away shows, and is back by itself', async () => {
  const feed = await stage.start();
  stage.put(1, 10);
  await stage.clock.advance(2000);
  stage.kafka.faults.isGone = true;
  await stage.clock.advance(30_000);
  expect(feed.status()).toMatchObject({ state: 'starting', lastError: { code: 'LOG_FAILED' } });
  stage.kafka.faults.isGone = false;
  stage.put(11, 20);
  await stage.clock.advance(30_000);
  expect(feed.status()).toMatchObject({ state: 'feeding', lastError: undefined, lag: 0 });
  expect(stage.said.told.filter((line) => line.includes('log is'))).toEqual([
    'warn: the log is not read; trying again',
    'info: the log is read again',
  ]);
  expect(await stage.committed()).toEqual([20, 0, 0]);
  await feed.close();
});

test('a sink that keeps no positions goes on where its group is, and is stopped where that is gone', async () => {
  const bare = () => {
    const sink = stage.makeSink();
    return Object.assign(sink, { positions: undefined, logs: undefined }) as unknown as typeof sink;
  };
  stage.put(1, 20);
  stage.kafka.commit(GROUP, TOPIC, new Map([[0, 15]]));
  const first = await stage.start({ sink: bare() });
  await stage.clock.advance(2000);
  expect(stage.sequencesOf(RUN)).toEqual(span(16, 20));
  expect(await stage.committed()).toEqual([20, undefined, undefined]);
  await first.close();
  stage.put(21, 40);
  stage.kafka.expire(TOPIC, 0, 38);
  const second = await stage.start({ sink: bare() });
  await stage.clock.advance(CONFIRMED_MS);
  expect(second.status()).toMatchObject({ state: 'stopped', lastError: { code: 'LOG_EXPIRED' } });
  expect(gaps()).toMatchObject([{ info: { from: 20, to: 38 } }]);
  await second.close();
});

test('a consumer that says it can never go on is believed the second time', async () => {
  class Doubtful extends MemoryKafka {
    opened = 0;
    override createConsumer(options: KafkaConsumerOptions) {
      const consumer = super.createConsumer(options);
      const fail = async () => {
        this.opened += 1;
        options.onFailed(new MooringError('LOG_UNFIT', 'not allowed'));
      };
      return { ...consumer, open: fail, commit: async () => undefined, close: async () => undefined };
    }
  }
  const client = new Doubtful();
  client.makeTopic({ name: TOPIC, partitions: 3, replication: 1, settings: {} });
  const feed = await stage.start({ client });
  await stage.clock.advance(60_000);
  expect(client.opened).toBe(2);
  expect(stage.fatal).toMatchObject([{ code: 'LOG_UNFIT', message: 'not allowed' }]);
  await feed.close();
});
