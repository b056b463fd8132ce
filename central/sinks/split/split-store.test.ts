import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { recordIdOf } from '../../../protocol/ids.ts';
import { SteppedClock } from '../../../sim/clock.ts';
import { MemoryKafka } from '../../../sim/memory-kafka.ts';
import { flatOf, runOf, span } from '../../../test/conformance/entries.ts';
import { foreignOf, storeRecordOf, wordsOf } from '../../../test/conformance/remote-records.ts';
import { splitMessages } from './messages.ts';
import { SplitStore } from './split-store.ts';

const never = new AbortController().signal;
const topics = { main: 'a.main', measures: 'a.measures' };
const spec = { name: 'split', topics, partitions: 3, replication: 1, brokers: ['k:9092'] };
const flats = [
  ...span(1, 50).map((sequence) => flatOf(runOf(1), sequence)),
  ...span(1, 20).map(foreignOf),
  ...wordsOf((sequence) => recordIdOf(runOf(2), sequence)),
];

test('the messages are those of the document, to the byte; zero and false are values', () => {
  const time = '2026-02-03T04:05:01.013Z';
  const id = '00000001-1f2e-5a3d-9c4b-0123456789ab';
  const common = { id, gateway: 'schools', station: '24e12401', kind: 'sample', timestamp: time, clock: 'unsynced' };
  const values = splitMessages({ ...common, received_at: '2026-02-03T04:05:01.500Z', co2: 0, x_door: false });
  const lines = readFileSync('docs/stores/split-topics.md', 'utf8').split('\n');
  expect(values.map(({ value }) => value)).toEqual(lines.filter((line) => line.startsWith('{"uuid"')));
  expect(values.map(({ key }) => key)).toEqual([id, `${id}/co2`, `${id}/x_door`]);
});

test('written again, each key has the same bytes; a record that is refused is named, and the others are there', async () => {
  const client = new MemoryKafka();
  const store = new SplitStore({ ...spec, client, clock: new SteppedClock() });
  await store.open(never);
  expect(client.topic('a.main')?.settings['cleanup.policy']).toBe('compact');
  client.faults.refuses = ({ key }) => key === flats[7]?.id;
  for (let time = 0; time < 2; time += 1) {
    expect(await store.write(flats.map(storeRecordOf))).toEqual([
      { index: 7, reason: expect.stringMatching(/a\.main/) },
    ]);
  }
  client.faults.refuses = () => false;
  client.faults.sendsRejected = 1;
  await expect(store.write(flats.map(storeRecordOf))).rejects.toMatchObject({ code: 'SINK_FAILED' });
  expect(await store.write(flats.map(storeRecordOf))).toEqual([]);
  for (const part of ['main', 'measures'] as const) {
    const wanted = flats.flatMap(splitMessages).filter((each) => each.part === part);
    expect(new Set(client.values(topics[part]))).toEqual(new Set(wanted.map(({ value }) => value)));
  }
  await store.close();
});

test('a topic that is not compacted is refused, with the command that makes it so', async () => {
  const client = new MemoryKafka();
  client.makeTopic({ name: 'a.main', partitions: 1, replication: 1, settings: {} });
  const store = new SplitStore({ ...spec, client, clock: new SteppedClock() });
  await expect(store.open(never)).rejects.toMatchObject({
    code: 'SINK_UNFIT',
    hint: expect.stringContaining('cleanup.policy=compact'),
  });
});
