import { expect, test } from 'vitest';
import { createKafkaClient } from '../../central/recordlog/kafka/clients.ts';
import { splitMessages } from '../../central/sinks/split/messages.ts';
import { SplitStore } from '../../central/sinks/split/split-store.ts';
import { systemClock } from '../../runtime/clock.ts';
import { silentLog } from '../../runtime/log.ts';
import { flatOf, runOf, span } from '../conformance/entries.ts';
import { foreignOf, storeRecordOf } from '../conformance/remote-records.ts';
import { sharedKafka } from '../kafka/shared.ts';
import { Topics } from '../kafka/topics.ts';

test('split over a real Kafka and replayed twice: as many keys as records and measures', {
  tags: ['kafka'],
  timeout: 120_000,
}, async () => {
  const address = await sharedKafka();
  const shared = { clock: systemClock, brokers: [address] };
  const client = await createKafkaClient('kafkajs', { ...shared, clientId: 'test', log: silentLog });
  const topics = { main: 'split-test.main', measures: 'split-test.measures' };
  const flats = [...span(1, 300).map((sequence) => flatOf(runOf(1), sequence)), ...span(1, 100).map(foreignOf)];
  for (let time = 0; time < 3; time += 1) {
    const store = new SplitStore({ ...shared, name: 'split', topics, client, partitions: 3, replication: 1 });
    await store.open(new AbortController().signal);
    expect(await store.write(flats.map(storeRecordOf))).toEqual([]);
    await store.close();
  }
  const messages = flats.flatMap(splitMessages);
  for (const part of ['main', 'measures'] as const) {
    const found = new Map((await new Topics(address).read(topics[part])).map(({ key, value }) => [key, value]));
    const wanted = messages.filter((each) => each.part === part);
    expect(found).toEqual(new Map(wanted.map(({ key, value }) => [key, value])));
    expect(found.size).toBe(wanted.length);
  }
});
