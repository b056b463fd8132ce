import { expect, test } from 'vitest';
import { MemoryKafka } from '../../../sim/memory-kafka.ts';
import { openTopics, type TopicsSpec, topicNamesOf } from './topics.ts';

const spec: TopicsSpec = {
  names: topicNamesOf('mooring'),
  partitions: 6,
  replication: 1,
  retentionMs: 2_592_000_000,
  brokers: ['127.0.0.1:9092'],
};

const open = (kafka: MemoryKafka, wanted: TopicsSpec = spec, known: ReadonlySet<string> = new Set()) =>
  openTopics(kafka.createAdmin(), wanted, known);

test('absent topics are made so that nothing is lost, and are fit the next time', async () => {
  const kafka = new MemoryKafka();
  const { messageBytesMax } = await open(kafka);
  expect(kafka.topic('mooring.records')).toMatchObject({
    partitions: 6,
    replication: 1,
    settings: {
      'message.timestamp.type': 'LogAppendTime',
      'retention.ms': '2592000000',
      'cleanup.policy': 'delete',
      'flush.messages': '1',
    },
  });
  expect([...messageBytesMax]).toEqual([
    ['mooring.records', 1_048_588],
    ['mooring.acks', 1_048_588],
    ['mooring.deadletter', 4_194_304],
  ]);
  await open(kafka);
});

test('with three replicas a second copy has to be there instead of a sync of the disk', async () => {
  const kafka = new MemoryKafka();
  await open(kafka, { ...spec, replication: 3 });
  const { settings } = kafka.topic('mooring.acks') ?? {};
  expect(settings?.['min.insync.replicas']).toBe('2');
  expect(settings?.['flush.messages']).not.toBe('1');
});

test('a topic that keeps more than was asked for is fit', async () => {
  const kafka = new MemoryKafka();
  await open(kafka);
  await open(kafka, { ...spec, retentionMs: 1000 });
  const records = kafka.topic('mooring.records');
  if (records === undefined) throw new Error('it was made');
  kafka.makeTopic({
    ...records,
    settings: { ...records.settings, 'retention.ms': '-1', 'max.message.bytes': '2000000' },
  });
  expect((await open(kafka)).messageBytesMax.get('mooring.records')).toBe(2_000_000);
});

test.each([
  ['message.timestamp.type', 'CreateTime', 'LogAppendTime'],
  ['retention.ms', '604800000', '2592000000'],
  ['max.message.bytes', '65536', '1048588'],
  ['retention.bytes', '1000000', '-1'],
  ['cleanup.policy', 'compact', 'delete'],
  ['cleanup.policy', 'compact,delete', 'delete'],
  ['flush.messages', '9223372036854775807', '1'],
])('an existing topic whose %s is %s is refused, with the command that changes it', async (setting, found, wanted) => {
  const kafka = new MemoryKafka();
  await open(kafka);
  const acks = kafka.topic('mooring.acks');
  if (acks === undefined) throw new Error('it was made');
  kafka.makeTopic({ ...acks, settings: { ...acks.settings, [setting]: found } });
  await expect(open(kafka)).rejects.toMatchObject({
    code: 'LOG_UNFIT',
    context: { topic: 'mooring.acks', setting, found, wanted },
    hint: `kafka-configs.sh --bootstrap-server 127.0.0.1:9092 --alter --entity-type topics --entity-name mooring.acks --add-config ${setting}=${wanted}`,
  });
});

test('of replicated topics, the count of copies that must be in step, and that no stale one leads, are looked at', async () => {
  const kafka = new MemoryKafka();
  const wanted = { ...spec, replication: 3 };
  await open(kafka, wanted);
  const records = kafka.topic('mooring.records');
  if (records === undefined) throw new Error('it was made');
  const settings = { ...records.settings, 'min.insync.replicas': '1', 'unclean.leader.election.enable': 'true' };
  kafka.makeTopic({ ...records, settings });
  await expect(open(kafka, wanted)).rejects.toMatchObject({
    code: 'LOG_UNFIT',
    hint: expect.stringContaining('--add-config unclean.leader.election.enable=false,min.insync.replicas=2'),
  });
});

test('another number of partitions, or fewer replicas, are refused', async () => {
  const kafka = new MemoryKafka();
  await open(kafka);
  await expect(open(kafka, { ...spec, partitions: 3 })).rejects.toMatchObject({
    code: 'LOG_UNFIT',
    context: { topic: 'mooring.records', setting: 'partitions', found: '6', wanted: '3' },
    hint: expect.stringContaining('`partitions: 6`'),
  });
  await expect(open(kafka, { ...spec, replication: 2 })).rejects.toMatchObject({
    code: 'LOG_UNFIT',
    context: { setting: 'replication', found: '1', wanted: '2' },
  });
});

test('a topic that has been there and is gone is never made anew', async () => {
  const kafka = new MemoryKafka();
  await open(kafka);
  kafka.deleteTopic('mooring.acks');
  await expect(open(kafka, spec, new Set(['mooring.acks']))).rejects.toMatchObject({
    code: 'LOG_CHANGED',
    context: { topic: 'mooring.acks' },
  });
  expect(kafka.topic('mooring.acks')).toBeUndefined();
});
