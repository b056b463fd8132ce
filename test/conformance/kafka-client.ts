import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import type { KafkaClientKind } from '../../central/config/types.ts';
import type { KafkaAdmin, KafkaClient, KafkaMessage, KafkaProducer } from '../../central/recordlog/kafka/client.ts';
import { createKafkaClient } from '../../central/recordlog/kafka/clients.ts';
import { systemClock } from '../../runtime/clock.ts';
import { silentLog } from '../../runtime/log.ts';
import { KafkaBroker } from '../kafka/broker.ts';
import { Topics } from '../kafka/topics.ts';
import { freePort } from '../ports.ts';
import { eventually, Programs } from '../processes.ts';
import { deaf, Reader } from './kafka-reader.ts';

const TEST_MS = 240_000;
/** Every call has settled after that, whatever the broker does. */
const SETTLED_MS = 30_000;
/** On a machine that does other things too. */
const HEALED_MS = 90_000;
const PARTITIONS = 3;
/** Long enough for what is still under way to come. */
const QUIET_MS = 1500;

async function clientOf(kind: KafkaClientKind, address: string): Promise<KafkaClient> {
  return await createKafkaClient(kind, { brokers: [address], clientId: 'test', clock: systemClock, log: silentLog });
}

/** What every Kafka client must keep, against a real broker of its own. */
export function describeKafkaClient(kind: KafkaClientKind): void {
  describe(`Kafka client ${kind}`, { tags: ['kafka'], timeout: TEST_MS }, () => {
    const folder = mkdtempSync(join(tmpdir(), 'mooring-client-'));
    const programs = new Programs();
    let broker: KafkaBroker;
    let client: KafkaClient;
    let admin: KafkaAdmin;
    let topics: Topics;
    let topic = '';
    let group = '';
    let count = 0;

    beforeAll(async () => {
      broker = await KafkaBroker.prepare({ folder, programs });
      await broker.start();
      client = await clientOf(kind, broker.address);
      admin = client.createAdmin();
      topics = new Topics(broker.address);
      await makeTopic();
      // The first group that a broker has makes it load its groups; until it has, it takes nobody.
      await eventually('a group is joined', HEALED_MS, async () => {
        const consumer = client.createConsumer(deaf(topic));
        const outcome = await consumer.open(new AbortController().signal).then(
          () => true,
          () => false,
        );
        await consumer.close();
        return outcome;
      });
    }, TEST_MS);
    afterAll(async () => {
      await admin?.close();
      await programs.end();
      rmSync(folder, { recursive: true, force: true });
    });

    /** A topic and a group that only this test has. */
    const makeTopic = async (settings: Readonly<Record<string, string>> = {}): Promise<void> => {
      count += 1;
      topic = `topic-${count}`;
      group = `group-${count}`;
      await admin.createTopic({ name: topic, partitions: PARTITIONS, replication: 1, settings });
    };
    const createProducer = async (): Promise<KafkaProducer> => {
      const producer = await client.createProducer();
      onTestFinished(() => producer.close());
      return producer;
    };
    const message = (partition: number, value: string): KafkaMessage => ({ topic, partition, key: 'barn', value });
    /** Into each partition as many messages as it says. */
    const fill = async (...counts: readonly number[]): Promise<void> => {
      const producer = await createProducer();
      const messages = counts.flatMap((length, partition) =>
        Array.from({ length }, (_, index) => message(partition, `${partition}/${index}`)),
      );
      await producer.send(messages);
    };
    /** As its callers do: a new producer after any rejection. The offset at last. */
    const sendAgain = (again: KafkaMessage): Promise<number> =>
      eventually('a send is taken again', HEALED_MS, async () => {
        const producer = await client.createProducer().catch(() => undefined);
        const produced = await producer?.send([again]).catch(() => undefined);
        await producer?.close();
        return produced?.[0]?.offset;
      });
    const read = (options: Partial<Parameters<typeof Reader.open>[0]> = {}): Promise<Reader> =>
      Reader.open({ client, topic, group, ...options });

    describe('topics', () => {
      test('one is made as it is asked for, and asking again is no error', async () => {
        expect(await admin.describeTopic('nowhere')).toBeUndefined();
        await makeTopic({ 'retention.ms': '86400000', 'max.message.bytes': '5000' });
        const found = await admin.describeTopic(topic);
        expect(found).toMatchObject({ partitions: PARTITIONS, replication: 1 });
        expect(found?.settings).toMatchObject({
          'retention.ms': '86400000',
          'max.message.bytes': '5000',
          'min.insync.replicas': '1',
        });
        await admin.createTopic({ name: topic, partitions: 1, replication: 1, settings: {} });
        expect((await admin.describeTopic(topic))?.partitions).toBe(PARTITIONS);
      });

      test('one that the broker can never make is not asked for in vain', async () => {
        const wrong = { name: 'wrong', partitions: 1, replication: 1, settings: { 'no.such.setting': '1' } };
        await expect(admin.createTopic(wrong)).rejects.toMatchObject({ code: 'LOG_UNFIT' });
        const wide = { name: 'wide', partitions: 1, replication: 3, settings: {} };
        // Brokers may be on their way.
        await expect(admin.createTopic(wide)).rejects.toMatchObject({
          code: 'LOG_FAILED',
          context: { reason: expect.stringMatching(/invalid_replication_factor/) },
          hint: expect.stringContaining('`kafka.replication`'),
        });
      });

      test('a cluster has one id, a log has its ends, and a group has committed nothing at first', async () => {
        expect(await admin.clusterId()).toMatch(/^[\w-]{22}$/);
        await makeTopic();
        await fill(2, 0, 1);
        await topics.deleteBefore(topic, 0, 1);
        expect(await admin.offsets(topic)).toEqual([
          { first: 1, end: 2 },
          { first: 0, end: 0 },
          { first: 0, end: 1 },
        ]);
        expect(await admin.committed(group, topic)).toEqual([undefined, undefined, undefined]);
      });
    });

    describe('producing', () => {
      test('each partition has its part where the answer says, in the order of the send', async () => {
        await makeTopic();
        const producer = await createProducer();
        await producer.send([message(1, 'first')]);
        const produced = await producer.send([message(1, 'a'), message(0, 'b'), message(1, 'c'), message(2, 'd')]);
        expect([...produced].sort((a, b) => a.partition - b.partition)).toEqual([
          { topic, partition: 0, offset: 0, count: 1 },
          { topic, partition: 1, offset: 1, count: 2 },
          { topic, partition: 2, offset: 0, count: 1 },
        ]);
        const found = (await topics.read(topic)).map(({ partition, offset, key, value }) => [
          partition,
          offset,
          key,
          value,
        ]);
        expect(found).toEqual([
          [0, 0, 'barn', 'b'],
          [1, 0, 'barn', 'first'],
          [1, 1, 'barn', 'a'],
          [1, 2, 'barn', 'c'],
          [2, 0, 'barn', 'd'],
        ]);
      });

      test('as many sends at once as it claims to take are each stored once', async () => {
        await makeTopic();
        const producer = await createProducer();
        const sends = Array.from({ length: client.sendsAtOnce }, (_, index) => producer.send([message(0, `${index}`)]));
        const offsets = (await Promise.all(sends)).map(([produced]) => produced?.offset);
        expect(new Set(offsets).size).toBe(client.sendsAtOnce);
        const found = await topics.read(topic);
        expect(found.map(({ offset, value }) => [offset, value])).toEqual(
          offsets.map((offset, index) => [offset, `${index}`]).sort(([a], [b]) => Number(a) - Number(b)),
        );
      });

      test('a message that the broker never takes is refused, and nothing of its partition is there', async () => {
        await makeTopic({ 'max.message.bytes': '5000' });
        const producer = await createProducer();
        const refused = producer.send([message(0, 'small'), message(0, 'x'.repeat(10_000))]);
        await expect(refused).rejects.toMatchObject({ code: 'LOG_REFUSED', context: { reason: 'message_too_large' } });
        expect(await topics.count(topic)).toBe(0);
      });

      test('a topic that is not there fails by that name, and a partition that is not there fails', async () => {
        await makeTopic();
        const lost = (await createProducer()).send([{ ...message(0, 'a'), topic: 'nowhere' }]);
        await expect(lost).rejects.toMatchObject({ code: 'LOG_FAILED', context: { reason: 'unknown_topic' } });
        const beyond = (await createProducer()).send([message(PARTITIONS, 'a')]);
        await expect(beyond).rejects.toMatchObject({ code: 'LOG_FAILED' });
        expect(await topics.count(topic)).toBe(0);
      });
    });

    describe('consuming', () => {
      test('a partition begins where it is told, else where its group has committed, else at the earliest', async () => {
        await makeTopic();
        await fill(4, 4, 4);
        const before = await read();
        await before.has(12);
        expect(before.of(0)[0]).toMatchObject({ key: 'barn', timestampMs: expect.any(Number) });
        await before.consumer.commit(new Map([[1, 3]]));
        await before.consumer.close();
        expect(await admin.committed(group, topic)).toEqual([undefined, 3, undefined]);

        const reader = await read({ starts: new Map([[0, 2]]) });
        await reader.has(7);
        await systemClock.sleep(QUIET_MS);
        expect([0, 1, 2].map((partition) => reader.values(partition))).toEqual([
          ['0/2', '0/3'],
          ['1/3'],
          ['2/0', '2/1', '2/2', '2/3'],
        ]);
        expect(reader.assignments).toEqual([[0, 1, 2]]);
      });

      test('a partition that is paused stands still while the others go on, and goes on without a hole', async () => {
        await makeTopic();
        await fill(1, 1, 1);
        const reader = await read({
          onMessages: ({ consumer }, partition) => {
            if (partition === 1) consumer.pause(1);
          },
        });
        await reader.has(3);
        await fill(50, 50, 50);
        await reader.has(103);
        await systemClock.sleep(QUIET_MS);
        expect([0, 1, 2].map((partition) => reader.of(partition).length)).toEqual([51, 1, 51]);
        reader.consumer.resume(1);
        await reader.has(153);
        expect(reader.offsets(1)).toEqual(Array.from({ length: 51 }, (_, offset) => offset));
      });

      test('what is paused is not read ahead', async () => {
        await makeTopic();
        const producer = await createProducer();
        const large = 'x'.repeat(500_000);
        for (let sends = 0; sends < 12; sends += 1) await producer.send([message(0, large)]);
        const reader = await read({ onMessages: ({ consumer }) => consumer.pause(0) });
        await reader.has(1);
        await systemClock.sleep(QUIET_MS);
        expect(reader.count).toBeLessThan(6);
        for (let seen = reader.count; seen < 12; seen = reader.count) {
          reader.consumer.resume(0);
          await reader.has(seen + 1);
        }
        expect(reader.offsets(0)).toEqual(Array.from({ length: 12 }, (_, offset) => offset));
      });

      test('two members share, and one has all again when the other leaves: nothing is skipped', async () => {
        await makeTopic();
        await fill(20, 20, 20);
        const one = await read();
        await one.isAssigned(0, 1, 2);
        await one.has(60);
        await one.consumer.commit(new Map([0, 1, 2].map((partition) => [partition, 10])));

        const other = await read();
        await eventually('both have some', HEALED_MS, () => {
          const shares = [one, other].map(({ assignments }) => assignments.at(-1)?.length ?? 0);
          return shares[0] !== 0 && shares[1] !== 0 && (shares[0] ?? 0) + (shares[1] ?? 0) === PARTITIONS;
        });
        await eventually('each has the rest of its partitions', HEALED_MS, () => one.count + other.count === 30);
        const lost = [0, 1, 2].filter((partition) => !one.assignments.at(-1)?.includes(partition));
        expect(one.revoked).toEqual(lost);
        for (const partition of other.assignments.at(-1) ?? [])
          expect(other.offsets(partition)).toEqual([10, 11, 12, 13, 14, 15, 16, 17, 18, 19]);
        await expect(one.consumer.commit(new Map(lost.map((partition) => [partition, 20])))).rejects.toMatchObject({
          code: 'LOG_FAILED',
        });

        const leavingMs = systemClock.monotonicMs();
        await other.consumer.close();
        await one.isAssigned(0, 1, 2);
        expect(systemClock.monotonicMs() - leavingMs).toBeLessThan(SETTLED_MS / 2);
        await one.has(30);
        expect([...one.failures, ...other.failures]).toEqual([]);
      });

      test.for([
        ['before the beginning', 1],
        ['after the end', 9],
      ] as const)('a place %s of the log is an error, and nothing is read', async ([, start]) => {
        await makeTopic();
        await fill(8);
        await topics.deleteBefore(topic, 0, 4);
        const reader = await read({ starts: new Map([[0, start]]) });
        expect(await reader.fails()).toMatchObject({
          code: 'LOG_EXPIRED',
          context: { offset: start, first: 4, end: 8 },
        });
        await systemClock.sleep(QUIET_MS);
        expect(reader.count).toBe(0);
        expect(reader.failures).toHaveLength(1);
      });

      test('what is deleted before it was read is an error, never a step over it, and the group keeps its place', async () => {
        await makeTopic();
        await fill(2);
        const reader = await read({ onMessages: ({ consumer }) => consumer.pause(0) });
        await reader.has(2);
        await reader.consumer.commit(new Map([[0, 2]]));
        await fill(6);
        await topics.deleteBefore(topic, 0, 5);
        reader.consumer.resume(0);
        expect(await reader.fails()).toMatchObject({ code: 'LOG_EXPIRED' });
        expect(reader.offsets(0)).toEqual([0, 1]);
        expect(await admin.committed(group, topic)).toEqual([2, undefined, undefined]);
      });

      test('a topic that is not there lets nobody in', async () => {
        topic = 'nowhere';
        await expect(read()).rejects.toMatchObject({ code: 'LOG_FAILED', context: { reason: 'unknown_topic' } });
      });
    });

    describe('a broker that fails', () => {
      test('one that is not there: each call rejects in time, and closing takes none', async () => {
        const nobody = await clientOf(kind, `127.0.0.1:${await freePort()}`);
        const nothing = nobody.createAdmin();
        const consumer = nobody.createConsumer(deaf('topic'));
        const beganMs = systemClock.monotonicMs();
        const calls = [nothing.clusterId(), nobody.createProducer(), consumer.open(new AbortController().signal)];
        for (const call of await Promise.allSettled(calls))
          expect(call).toMatchObject({
            status: 'rejected',
            reason: { code: 'LOG_FAILED', context: { reason: 'econnrefused' } },
          });
        await Promise.all([nothing.close(), consumer.close()]);
        expect(systemClock.monotonicMs() - beganMs).toBeLessThan(SETTLED_MS);
      });

      test('one that is killed and comes back has what it has acknowledged, and is read on from there', async () => {
        await makeTopic();
        await fill(5, 5, 5);
        const reader = await read();
        await reader.has(15);
        await reader.consumer.commit(new Map([0, 1, 2].map((partition) => [partition, 5])));
        const producer = await createProducer();
        await broker.kill();
        await expect(producer.send([message(0, 'lost')])).rejects.toMatchObject({ code: 'LOG_FAILED' });
        await broker.start();

        const last = await sendAgain(message(0, 'kept'));
        await eventually('it is read', HEALED_MS, () => reader.offsets(0).includes(last));
        // From what was committed where it had to join anew, else from where it was.
        const first = reader.assignments.length === 1 ? 0 : 5;
        expect(reader.offsets(0)).toEqual(Array.from({ length: last - first + 1 }, (_, index) => first + index));
        await eventually('it takes what was read', HEALED_MS, () =>
          reader.consumer.commit(new Map([[0, 6]])).then(
            () => true,
            () => false,
          ),
        );
        expect(reader.failures).toEqual([]);
      });

      test('one that hangs: each call rejects in time, and all goes on when it does', async () => {
        await makeTopic();
        await fill(3);
        const reader = await read();
        await reader.has(3);
        const producer = await createProducer();
        broker.pause();
        const beganMs = systemClock.monotonicMs();
        const calls = [
          producer.send([message(0, 'in doubt')]),
          admin.clusterId(),
          reader.consumer.commit(new Map([[0, 3]])),
          client.createProducer(),
        ];
        for (const call of await Promise.allSettled(calls))
          expect(call).toMatchObject({ status: 'rejected', reason: { code: 'LOG_FAILED' } });
        await producer.close();
        expect(systemClock.monotonicMs() - beganMs).toBeLessThan(SETTLED_MS);
        broker.resume();

        const last = await sendAgain(message(0, 'kept'));
        await eventually('it is read', HEALED_MS, () => reader.offsets(0).includes(last));
        expect(reader.failures).toEqual([]);
      });
    });
  });
}
