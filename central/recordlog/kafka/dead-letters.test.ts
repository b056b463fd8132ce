import { beforeEach, describe, expect, test } from 'vitest';
import { runOf } from '../../../test/conformance/entries.ts';
import { LogBench } from '../../../test/kafka/log-bench.ts';
import type { DeadLetter } from '../../ingest/dead-letter.ts';

const RUN = runOf(1);
const { RECORDS, PARTITION } = LogBench;

let bench: LogBench;

beforeEach(() => {
  bench = new LogBench();
});

describe('dead letters', () => {
  const letter = (sequence: number, json = '{"x":1}'): DeadLetter => ({
    code: 'metric_type',
    reason: 'a number is wanted',
    gateway: 'plaka',
    run: RUN,
    sequence,
    receivedAtMs: 0,
    json,
  });
  const LETTERS = 'mooring.deadletter';

  test('a letter is durable on its topic in the shape of the file', async () => {
    const log = await bench.opened();
    await Promise.all([log.deadLetters.append([letter(1), letter(2)]), bench.clock.advance(10)]);
    expect(bench.kafka.messages(LETTERS)[PARTITION]?.map(({ value }) => JSON.parse(value.toString()))).toEqual(
      [1, 2].map((sequence) => ({
        reason: 'a number is wanted',
        code: 'metric_type',
        gateway: 'plaka',
        run: RUN,
        sequence,
        received_at: '1970-01-01T00:00:00.000Z',
        record: { x: 1 },
      })),
    );
    await bench.close(log);
  });

  test('one that the topic does not take stays in a file', async () => {
    const log = await bench.opened();
    bench.kafka.faults.refuses = ({ value }) => value.includes('poison');
    const letters = [letter(1), letter(2, '"poison"'), letter(3, JSON.stringify('x'.repeat(5_000_000)))];
    await Promise.all([log.deadLetters.append(letters), bench.clock.advance(100)]);
    expect(bench.inFiles.map(({ sequence }) => sequence)).toEqual([2, 3]);
    expect(bench.kafka.values(LETTERS)).toHaveLength(1);
    await bench.close(log);
  });

  test('a message that no sink can take is kept as text or as bytes, with its place', async () => {
    const log = await bench.opened();
    const place = { topic: RECORDS, partition: 1, offset: 7, sink: 'archive', reason: 'no record' };
    const values = [Buffer.from('not JSON'), Buffer.from([0xff, 0x00])];
    const appended = log.deadLetters.appendMessages(values.map((value) => ({ ...place, value })));
    await Promise.all([appended, bench.clock.advance(10)]);
    expect(bench.kafka.values(LETTERS).map((value) => JSON.parse(value))).toMatchObject([
      { ...place, bytes: 8, message: 'not JSON' },
      { ...place, bytes: 2, message_base64: '/wA=' },
    ]);
    await bench.close(log);
  });

  test('while Kafka is away they are refused, so that no gateway is told that its record is kept', async () => {
    bench.kafka.faults.isGone = true;
    const log = await bench.opened();
    await expect(log.deadLetters.append([letter(1)])).rejects.toMatchObject({ code: 'LOG_FAILED' });
    expect(bench.inFiles).toEqual([]);
    await bench.close(log);
  });
});
