import { beforeEach, describe, expect, test } from 'vitest';
import { entryOf, runOf, span } from '../../../test/conformance/entries.ts';
import { LogBench } from '../../../test/kafka/log-bench.ts';
import { kafkaFailure } from './failure.ts';

const RUN = runOf(1);
const { RECORDS, ACKS, PARTITION, PARTITIONS } = LogBench;
const never = new AbortController().signal;

let bench: LogBench;

beforeEach(() => {
  bench = new LogBench();
});

test('a Kafka that cannot be asked is told with the place where it is looked for, and what to do', async () => {
  bench.kafka.faults.isGone = true;
  const log = await bench.opened();
  await bench.clock.advance(6000);
  const attempt = bench.append(log, entryOf(RUN, [1]));
  await bench.clock.advance(10);
  expect(attempt.error).toMatchObject({
    code: 'LOG_FAILED',
    context: { brokers: expect.any(Array) },
    hint: expect.stringContaining('kafka.brokers'),
  });
  await bench.close(log);
});

describe('the log is known again', () => {
  const wiped = async (wipe: () => void): Promise<void> => {
    const log = await bench.opened();
    bench.append(log, entryOf(RUN, span(1, 5)));
    await bench.clock.advance(6000);
    wipe();
    bench.kafka.faults.sendsRejected = 1;
    const after = bench.append(log, entryOf(RUN, [6]));
    await bench.clock.advance(15_000);
    expect(after.outcome).toBeUndefined();
    expect(after.error?.code).toBe('LOG_CHANGED');
    expect(bench.fatal.map(({ code }) => code)).toEqual(['LOG_CHANGED']);
    expect(bench.fatal[0]?.hint).toContain('/state/kafka.json');
    expect(log.isAcknowledged(RUN, 1)).toBe(false);
    await bench.close(log);
  };

  test('another cluster at the same address ends it', () => wiped(() => bench.kafka.wipe('cluster-2')));

  test('so does another cluster that has the same in its topics, as a copy of the disks would', () =>
    wiped(() => {
      bench.kafka.cluster = 'cluster-2';
    }));

  test('a topic that is gone ends it, and is not made anew', async () => {
    await wiped(() => bench.kafka.deleteTopic(RECORDS));
    expect(bench.kafka.topic(RECORDS)).toBeUndefined();
  });

  test('a topic that was made anew ends it', () =>
    wiped(() => {
      const topic = bench.kafka.topic(RECORDS);
      if (topic !== undefined) bench.kafka.makeTopic(topic);
    }));

  test('a topic that was made anew under way is noticed by the first offset that it gives', async () => {
    const log = await bench.opened();
    bench.append(log, entryOf(RUN, span(1, 5)));
    await bench.clock.advance(10);
    const topic = bench.kafka.topic(RECORDS);
    if (topic !== undefined) bench.kafka.makeTopic(topic);
    const after = bench.append(log, entryOf(RUN, [6]));
    await bench.clock.advance(0);
    expect(after.error?.code).toBe('LOG_CHANGED');
    expect(bench.acked('stored')).toEqual([[1, 5]]);
    await bench.close(log);
  });

  test('it is looked at while nothing is sent', async () => {
    const log = await bench.opened();
    bench.append(log, entryOf(RUN, [1]));
    await bench.clock.advance(10);
    bench.kafka.deleteTopic(ACKS);
    await bench.clock.advance(40_000);
    expect(bench.fatal).toMatchObject([{ code: 'LOG_CHANGED', context: { topic: ACKS } }]);
    await bench.close(log);
  });

  test('what looks wrong for a moment only, as while a broker starts, ends nothing', async () => {
    const log = await bench.opened();
    bench.append(log, entryOf(RUN, [1]));
    await bench.clock.advance(10);
    const topic = bench.kafka.topic(ACKS);
    const logs = bench.kafka.messages(ACKS);
    bench.kafka.deleteTopic(ACKS);
    await bench.clock.advance(30_000);
    if (topic !== undefined) bench.kafka.makeTopic(topic);
    for (const message of logs.flat()) {
      bench.kafka.put({ topic: ACKS, partition: PARTITION, key: 'plaka', value: message.value.toString() });
    }
    await bench.clock.advance(10_000);
    const after = bench.append(log, entryOf(RUN, [2]));
    await bench.clock.advance(100);
    expect(after.outcome?.stored).toEqual([[2, 2]]);
    expect(bench.fatal).toEqual([]);
    await bench.close(log);
  });

  test('the next process knows what the one before has seen, also when it was killed', async () => {
    const first = await bench.opened();
    bench.append(first, entryOf(RUN, span(1, 5)));
    await bench.clock.advance(6000);
    bench.kafka.wipe('cluster-2');
    const second = bench.make();
    await second.open(never);
    const result = bench.append(second, entryOf(RUN, [6]));
    await bench.clock.advance(10_000);
    expect(result.error?.code).toBe('LOG_CHANGED');
    expect(bench.kafka.topic(RECORDS)).toBeUndefined();
  });

  test('it remembers within seconds how long the log was', async () => {
    const first = await bench.opened();
    bench.append(first, entryOf(RUN, span(1, 5)));
    await bench.clock.advance(6000);
    for (const name of [RECORDS, ACKS]) {
      const topic = bench.kafka.topic(name);
      if (topic !== undefined) bench.kafka.makeTopic(topic);
    }
    const second = bench.make();
    await second.open(never);
    const result = bench.append(second, entryOf(RUN, [6]));
    await bench.clock.advance(10_000);
    expect(result.error).toMatchObject({ code: 'LOG_CHANGED', context: { topic: RECORDS, acknowledged: 4, end: 0 } });
  });

  test('without a memory of its own it learns from the acknowledgements that the log has been longer', async () => {
    const first = await bench.opened();
    bench.append(first, entryOf(RUN, span(1, 5)));
    await bench.clock.advance(10);
    await bench.close(first);
    const topic = bench.kafka.topic(RECORDS);
    if (topic !== undefined) bench.kafka.makeTopic(topic);
    const second = await bench.opened({ stateDir: '/another' });
    await bench.clock.advance(10_000);
    expect(bench.fatal).toMatchObject([{ code: 'LOG_CHANGED', context: { topic: RECORDS, acknowledged: 4, end: 0 } }]);
    await bench.close(second);
  });

  test('on purpose: once the file is removed, it goes on with an empty log', async () => {
    const first = await bench.opened();
    bench.append(first, entryOf(RUN, span(1, 5)));
    await bench.clock.advance(10);
    await bench.close(first);
    bench.kafka.wipe('cluster-2');
    await bench.disk.remove('/state/kafka.json');
    const second = await bench.opened();
    const result = bench.append(second, entryOf(RUN, span(1, 5)));
    await bench.clock.advance(10);
    expect(result.outcome).toMatchObject({ stored: [[1, 5]], added: 5 });
    await bench.close(second);
  });

  test('a weak topic ends it, and nothing is produced there', async () => {
    bench.kafka.makeTopic({ name: RECORDS, partitions: PARTITIONS, replication: 1, settings: {} });
    const log = await bench.opened();
    await bench.clock.advance(5000);
    expect(bench.fatal.map(({ code }) => code)).toEqual(['LOG_UNFIT']);
    const result = bench.append(log, entryOf(RUN, [1]));
    await bench.clock.advance(10);
    expect(result.error?.code).toBe('LOG_UNFIT');
    expect(bench.kafka.values(RECORDS)).toEqual([]);
    await bench.close(log);
  });

  test('one that is weak for a moment only, and a cluster that has too few brokers as yet, are waited for', async () => {
    const weak = { name: RECORDS, partitions: PARTITIONS, replication: 1, settings: {} };
    bench.kafka.makeTopic(weak);
    const log = await bench.opened();
    bench.kafka.deleteTopic(RECORDS);
    const few = kafkaFailure('no', new Error('few'), () => ({ brokerCode: 38, reason: 'invalid_replication_factor' }));
    bench.kafka.looking = { createTopic: () => Promise.reject(few) };
    await bench.clock.advance(24 * 60 * 60_000);
    expect(bench.append(log, entryOf(RUN, [1])).outcome).toBeUndefined();
    bench.kafka.looking = {};
    await bench.clock.advance(10_000);
    const result = bench.append(log, entryOf(RUN, [1]));
    await bench.clock.advance(10);
    expect(result.outcome?.stored).toEqual([[1, 1]]);
    expect(bench.fatal).toEqual([]);
    await bench.close(log);
  });

  test('a full disk stops nothing', async () => {
    bench.disk.fate.end = 'full';
    bench.disk.fate.steps = 0;
    const log = await bench.opened();
    const result = bench.append(log, entryOf(RUN, [1]));
    await bench.clock.advance(60_000);
    expect(result.outcome?.stored).toEqual([[1, 1]]);
    await bench.close(log);
  });

  test('a file that is damaged is no reason not to start', async () => {
    await bench.disk.makeFolder('/state');
    await bench.disk.writeFrom('/state/kafka.json', 0, Buffer.from('{"version":1}\nnonsense\n'));
    const log = await bench.opened();
    const result = bench.append(log, entryOf(RUN, [1]));
    await bench.clock.advance(10);
    expect(result.outcome?.stored).toEqual([[1, 1]]);
    await bench.close(log);
  });
});
