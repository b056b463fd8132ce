import { beforeEach, describe, expect, test } from 'vitest';
import { countOf, IntervalSet, type Range } from '../../../protocol/intervals.ts';
import type { MooringError } from '../../../runtime/errors.ts';
import { silentLog } from '../../../runtime/log.ts';
import { SeededRandom } from '../../../runtime/random.ts';
import { SteppedClock } from '../../../sim/clock.ts';
import { MemoryKafka } from '../../../sim/memory-kafka.ts';
import { entryOf, flatOf, runOf, span } from '../../../test/conformance/entries.ts';
import { PowerCutDisk } from '../../../test/conformance/power-cut-disk.ts';
import type { DeadLetter } from '../../ingest/dead-letter.ts';
import type { LogEntry, LogOutcome } from '../recordlog.ts';
import { type AckMessage, decodeAckMessage, encodeAckMessage } from './acks.ts';
import { KafkaRecordLog, type KafkaRecordLogOptions } from './kafka-recordlog.ts';
import { partitionOf } from './partitioner.ts';
import { topicNamesOf } from './topics.ts';

const RUN = runOf(1);
const PARTITIONS = 3;
const PARTITION = partitionOf('plaka', PARTITIONS);
const RECORDS = 'mooring.records';
const ACKS = 'mooring.acks';
const ARCHIVE = 'mooring.archive';
const never = new AbortController().signal;

let clock: SteppedClock;
let kafka: MemoryKafka;
let disk: PowerCutDisk;
let fatal: MooringError[];
let inFiles: DeadLetter[];
let seed: number;

beforeEach(() => {
  clock = new SteppedClock();
  kafka = new MemoryKafka();
  disk = new PowerCutDisk(new SeededRandom(1));
  fatal = [];
  inFiles = [];
  seed = 1;
});

function make(options: Partial<KafkaRecordLogOptions> = {}): KafkaRecordLog {
  seed += 1;
  return new KafkaRecordLog({
    client: kafka,
    topics: {
      names: topicNamesOf('mooring'),
      partitions: PARTITIONS,
      replication: 1,
      retentionMs: 86_400_000,
      brokers: ['127.0.0.1:9092'],
    },
    prefix: 'mooring',
    ack: 'log',
    stateDir: '/state',
    letterFiles: { append: async (letters) => void inFiles.push(...letters) },
    clock,
    random: new SeededRandom(seed),
    log: silentLog,
    disk,
    onFatal: (error) => void fatal.push(error),
    ...options,
  });
}

async function opened(options: Partial<KafkaRecordLogOptions> = {}): Promise<KafkaRecordLog> {
  const log = make(options);
  await log.open(never);
  await clock.advance(10);
  return log;
}

async function close(log: KafkaRecordLog): Promise<void> {
  const closing = log.close();
  await clock.advance(10);
  await closing;
}

/** Begins to append, and keeps what becomes of it. */
function append(log: KafkaRecordLog, entry: LogEntry) {
  const result: { outcome?: LogOutcome; error?: MooringError; isLater?: boolean; laterError?: MooringError } = {};
  void log.append(entry).then(
    (outcome) => {
      result.outcome = outcome;
      outcome.later?.then(
        () => (result.isLater = true),
        (error: MooringError) => (result.laterError = error),
      );
    },
    (error: MooringError) => (result.error = error),
  );
  return result;
}

const acks = (): (AckMessage | undefined)[] =>
  kafka.messages(ACKS).flatMap((messages) => messages.map(({ value }) => decodeAckMessage(value)));

const acked = (state: AckMessage['state']): Range[] =>
  new IntervalSet(acks().flatMap((ack) => (ack?.state === state ? ack.ranges : []))).ranges();

/** How often each record stands in the topic. */
const produced = (): number[] => {
  const ids = kafka.values(RECORDS).map((value) => (JSON.parse(value) as { id: string }).id);
  return [...Map.groupBy(ids, (id) => id).values()].map(({ length }) => length);
};

test('a record is stored when it is in its partition, and the word of it in the same one of the acknowledgements', async () => {
  const log = await opened();
  const result = append(log, entryOf(RUN, [1, 2, 3, 7]));
  await clock.advance(0);
  expect(result.outcome).toEqual({
    stored: [
      [1, 3],
      [7, 7],
    ],
    added: 4,
    held: [],
    rejected: [],
  });
  expect(kafka.messages(RECORDS)[PARTITION]?.map(({ key, value }) => [key, JSON.parse(value.toString())])).toEqual(
    [1, 2, 3, 7].map((sequence) => ['plaka', flatOf(RUN, sequence)]),
  );
  expect(kafka.messages(ACKS)[PARTITION]?.map(({ key, value }) => [key, JSON.parse(value.toString())])).toEqual([
    [
      'plaka',
      {
        run: RUN,
        gateway: 'plaka',
        partition: PARTITION,
        first: 0,
        last: 3,
        stored: [
          [1, 3],
          [7, 7],
        ],
      },
    ],
  ]);
  expect([1, 3, 4, 7, 8].map((sequence) => log.isAcknowledged(RUN, sequence))).toEqual([
    true,
    true,
    false,
    true,
    false,
  ]);
  await close(log);
});

test('nothing is said before its acknowledgement is durable; a repeat then needs no more than that', async () => {
  const log = await opened();
  kafka.faults.refuses = ({ topic }) => topic === ACKS;
  const first = append(log, entryOf(RUN, [1, 2]));
  await clock.advance(1000);
  expect(first.error?.code).toBe('LOG_FAILED');
  expect(log.isAcknowledged(RUN, 1)).toBe(false);
  kafka.faults.refuses = () => false;
  const repeat = append(log, entryOf(RUN, [1, 2, 3]));
  await clock.advance(0);
  expect(repeat.outcome).toEqual({ stored: [[1, 3]], added: 1, held: [], rejected: [] });
  expect(produced()).toEqual([1, 1, 1]);
  await close(log);
});

test('an append has an end before its gateway sends again, and who repeats it shares what is still under way', async () => {
  const log = await opened();
  const first = append(log, entryOf(RUN, [1]));
  kafka.faults.refuses = ({ topic }) => {
    // The acknowledgement is the first that hangs.
    if (topic === RECORDS) kafka.faults.hangs = true;
    return false;
  };
  await clock.advance(17_900);
  expect(first).toEqual({});
  await clock.advance(100);
  expect(first.error?.code).toBe('LOG_FAILED');
  const repeat = append(log, entryOf(RUN, [1]));
  kafka.release();
  await clock.advance(100);
  expect(repeat.outcome).toMatchObject({ stored: [[1, 1]], added: 0 });
  expect(produced()).toEqual([1]);
  expect(acked('stored')).toEqual([[1, 1]]);
  await close(log);
});

test('appends that overlap are produced once, and each hears the truth', async () => {
  const log = await opened();
  kafka.faults.hangs = true;
  const results = [[1, 2, 3], [2, 3, 4], [1, 4], [3]].map((sequences) => append(log, entryOf(RUN, sequences)));
  await clock.advance(0);
  kafka.release();
  await clock.advance(0);
  expect(results.map(({ outcome }) => outcome?.added)).toEqual([3, 1, 0, 0]);
  expect(results.map(({ outcome }) => countOf(outcome?.stored ?? []))).toEqual([3, 3, 2, 1]);
  expect(produced()).toEqual([1, 1, 1, 1]);
  await close(log);
});

test('what an overlapping append has failed to produce is produced by the other', async () => {
  const log = await opened();
  const entry = entryOf(RUN, [1, 2]);
  kafka.faults.hangs = true;
  const first = append(log, entry);
  await clock.advance(15_000);
  const second = append(log, entry);
  await clock.advance(6000);
  expect(first.error?.code).toBe('LOG_FAILED');
  kafka.release();
  await clock.advance(5000);
  expect(second.outcome).toMatchObject({ stored: [[1, 2]] });
  await close(log);
});

test('a Kafka that is absent at the start is waited for, and meanwhile everything is rejected at once', async () => {
  kafka.faults.isGone = true;
  const log = await opened();
  for (let minutes = 0; minutes < 10; minutes += 1) {
    const early = append(log, entryOf(RUN, [1]));
    await clock.advance(60_000);
    expect(early.error?.code).toBe('LOG_FAILED');
  }
  kafka.faults.isGone = false;
  await clock.advance(6000);
  const result = append(log, entryOf(RUN, [1]));
  await clock.advance(10);
  expect(result.outcome?.stored).toEqual([[1, 1]]);
  expect(fatal).toEqual([]);
  await close(log);
});

test('a record that is too large, and one that the broker refuses, are rejected with their codes, and the others stored', async () => {
  const log = await opened({ recordBytesMax: 4096 });
  kafka.faults.refuses = ({ value }) => value.includes('"x_poison"');
  const entry = entryOf(RUN, span(1, 5));
  const spoilt = (sequence: number, more: Readonly<Record<string, string>>) => ({
    sequence,
    flat: { ...flatOf(RUN, sequence), ...more },
  });
  const [one, , three, , five] = entry.records as [LogEntry['records'][0], unknown, never, unknown, never];
  const records = [one, spoilt(2, { x_note: 'x'.repeat(5000) }), three, spoilt(4, { x_poison: '' }), five];
  const result = append(log, { ...entry, records });
  await clock.advance(100);
  expect(result.outcome).toMatchObject({
    stored: [
      [1, 1],
      [3, 3],
      [5, 5],
    ],
    added: 3,
    rejected: [
      { ranges: [[2, 2]], code: 'too_large' },
      { ranges: [[4, 4]], code: 'refused_by_log' },
    ],
  });
  expect(acked('stored')).toEqual([
    [1, 1],
    [3, 3],
    [5, 5],
  ]);
  await close(log);
});

test('what another copy, or an earlier process, has acknowledged is not produced again', async () => {
  const first = await opened();
  append(first, entryOf(RUN, span(1, 20)));
  await clock.advance(10);
  const second = await opened();
  const early = append(second, entryOf(RUN, span(11, 25)));
  await clock.advance(10);
  expect(early.outcome).toMatchObject({ stored: [[11, 25]], added: 5 });
  const back = append(first, entryOf(RUN, span(15, 25)));
  await clock.advance(10);
  expect(back.outcome).toMatchObject({ stored: [[15, 25]], added: 0 });
  expect(produced()).toEqual(span(1, 25).map(() => 1));
  await close(first);
  await close(second);
});

test('the reader of acknowledgements comes back after it has lost its place, and misses nothing', async () => {
  const log = await opened();
  kafka.failConsumers();
  const message = { run: RUN, gateway: 'plaka', partition: PARTITION, first: 0, last: 0, ranges: [[1, 9] as const] };
  kafka.put({ topic: RECORDS, partition: PARTITION, key: 'plaka', value: '{}' });
  kafka.put({
    topic: ACKS,
    partition: PARTITION,
    key: 'plaka',
    value: encodeAckMessage({ ...message, state: 'stored' }),
  });
  kafka.put({ topic: ACKS, partition: PARTITION, key: 'plaka', value: 'garbage' });
  await clock.advance(1000);
  expect(log.isAcknowledged(RUN, 9)).toBe(true);
  await close(log);
});

describe('with sinks that have to have committed', () => {
  const ack = { groups: [ARCHIVE] };
  const commit = (offset: number): void => kafka.commit(ARCHIVE, RECORDS, new Map([[PARTITION, offset]]));

  test('a record is stored once their group has passed it', async () => {
    const log = await opened({ ack });
    const result = append(log, entryOf(RUN, [1, 2]));
    await clock.advance(1000);
    expect(result).toEqual({});
    expect(acked('held')).toEqual([[1, 2]]);
    commit(1);
    await clock.advance(1000);
    expect(result).toEqual({});
    commit(2);
    await clock.advance(1000);
    expect(result.outcome).toEqual({ stored: [[1, 2]], added: 2, held: [], rejected: [] });
    expect(acked('stored')).toEqual([[1, 2]]);
    await close(log);
  });

  test('every one of several groups has to have passed', async () => {
    const log = await opened({ ack: { groups: [ARCHIVE, 'mooring.search'] } });
    const result = append(log, entryOf(RUN, [1]));
    commit(1);
    await clock.advance(4000);
    expect(result).toEqual({});
    kafka.commit('mooring.search', RECORDS, new Map([[PARTITION, 1]]));
    await clock.advance(1900);
    expect(result.outcome?.stored).toEqual([[1, 1]]);
    await close(log);
  });

  test('a record that they are slow with is held, and it is told when it is stored', async () => {
    const log = await opened({ ack });
    const result = append(log, entryOf(RUN, [1, 2]));
    await clock.advance(5100);
    expect(result.outcome).toMatchObject({ stored: [], added: 0, held: [[1, 2]] });
    expect(result.isLater).toBeUndefined();
    const repeat = append(log, entryOf(RUN, [1, 2, 3]));
    await clock.advance(100);
    commit(3);
    await clock.advance(5000);
    expect(result.isLater).toBe(true);
    expect(repeat.outcome).toMatchObject({ stored: [[1, 3]], added: 1 });
    expect(produced()).toEqual([1, 1, 1]);
    expect(acks().map((message) => [message?.state, message?.ranges])).toEqual([
      ['held', [[1, 2]]],
      ['held', [[3, 3]]],
      ['stored', [[1, 2]]],
      ['stored', [[3, 3]]],
    ]);
    await close(log);
  });

  test('what an earlier process held is neither produced again nor said to be stored before it is', async () => {
    const first = await opened({ ack });
    append(first, entryOf(RUN, [1, 2]));
    await clock.advance(100);
    await close(first);
    const second = await opened({ ack });
    const repeat = append(second, entryOf(RUN, [2]));
    await clock.advance(5100);
    expect(repeat.outcome).toMatchObject({ stored: [], held: [[2, 2]] });
    commit(2);
    await clock.advance(3000);
    expect(repeat.isLater).toBe(true);
    expect(produced()).toEqual([1, 1]);
    expect(acked('stored')).toEqual([[1, 2]]);
    await close(second);
  });

  test('what another copy holds by the time that it is produced here counts as held, as that copy has it', async () => {
    const log = await opened({ ack });
    kafka.faults.hangs = true;
    const result = append(log, entryOf(RUN, [1, 2]));
    await clock.advance(0);
    const place = { partition: PARTITION, key: 'plaka' };
    kafka.put({ ...place, topic: RECORDS, value: JSON.stringify(flatOf(RUN, 2)) });
    const message = { run: RUN, gateway: 'plaka', partition: PARTITION, first: 0, last: 0 };
    kafka.put({ ...place, topic: ACKS, value: encodeAckMessage({ ...message, state: 'held', ranges: [[2, 2]] }) });
    await clock.advance(0);
    kafka.release();
    await clock.advance(5100);
    expect(result.outcome).toMatchObject({ stored: [], held: [[1, 2]] });
    commit(1);
    await clock.advance(3000);
    expect(acked('stored')).toEqual([[2, 2]]);
    expect(result.isLater).toBeUndefined();
    commit(3);
    await clock.advance(3000);
    expect(result.isLater).toBe(true);
    await close(log);
  });

  test('of two copies that wait for the same record, the second repeats nothing', async () => {
    const first = await opened({ ack });
    append(first, entryOf(RUN, [1, 2]));
    await clock.advance(100);
    const second = await opened({ ack });
    const repeat = append(second, entryOf(RUN, [1, 2]));
    commit(2);
    await clock.advance(3000);
    expect(repeat.outcome).toMatchObject({ stored: [[1, 2]], added: 0 });
    expect(acks().map((message) => message?.state)).toEqual(['held', 'stored']);
    await close(first);
    await close(second);
  });

  test('the groups are asked for all that wait together, and only while somebody waits', async () => {
    const log = await opened({ ack });
    await clock.advance(60_000);
    expect(kafka.committedAsked).toBe(0);
    for (let count = 1; count <= 50; count += 1) append(log, entryOf(RUN, [count]));
    await clock.advance(1000);
    expect(kafka.committedAsked).toBeLessThanOrEqual(4);
    commit(50);
    await clock.advance(5000);
    const asked = kafka.committedAsked;
    await clock.advance(60_000);
    expect(kafka.committedAsked).toBe(asked);
    await close(log);
  });

  test('closing says held at once, and that nobody watches over it any more', async () => {
    const log = await opened({ ack });
    const result = append(log, entryOf(RUN, [1]));
    await clock.advance(500);
    await close(log);
    expect(result.outcome).toMatchObject({ stored: [], held: [[1, 1]] });
    expect(result.laterError?.code).toBe('LOG_FAILED');
  });
});

describe('the log is known again', () => {
  const wiped = async (wipe: () => void): Promise<void> => {
    const log = await opened();
    append(log, entryOf(RUN, span(1, 5)));
    await clock.advance(6000);
    wipe();
    kafka.faults.sendsRejected = 1;
    const after = append(log, entryOf(RUN, [6]));
    await clock.advance(15_000);
    expect(after.outcome).toBeUndefined();
    expect(after.error?.code).toBe('LOG_CHANGED');
    expect(fatal.map(({ code }) => code)).toEqual(['LOG_CHANGED']);
    expect(fatal[0]?.hint).toContain('/state/kafka.json');
    expect(log.isAcknowledged(RUN, 1)).toBe(false);
    await close(log);
  };

  test('another cluster at the same address ends it', () => wiped(() => kafka.wipe('cluster-2')));

  test('so does another cluster that has the same in its topics, as a copy of the disks would', () =>
    wiped(() => {
      kafka.cluster = 'cluster-2';
    }));

  test('a topic that is gone ends it, and is not made anew', async () => {
    await wiped(() => kafka.deleteTopic(RECORDS));
    expect(kafka.topic(RECORDS)).toBeUndefined();
  });

  test('a topic that was made anew ends it', () =>
    wiped(() => {
      const topic = kafka.topic(RECORDS);
      if (topic !== undefined) kafka.makeTopic(topic);
    }));

  test('a topic that was made anew under way is noticed by the first offset that it gives', async () => {
    const log = await opened();
    append(log, entryOf(RUN, span(1, 5)));
    await clock.advance(10);
    const topic = kafka.topic(RECORDS);
    if (topic !== undefined) kafka.makeTopic(topic);
    const after = append(log, entryOf(RUN, [6]));
    await clock.advance(0);
    expect(after.error?.code).toBe('LOG_CHANGED');
    expect(acked('stored')).toEqual([[1, 5]]);
    await close(log);
  });

  test('it is looked at while nothing is sent', async () => {
    const log = await opened();
    append(log, entryOf(RUN, [1]));
    await clock.advance(10);
    kafka.deleteTopic(ACKS);
    await clock.advance(40_000);
    expect(fatal).toMatchObject([{ code: 'LOG_CHANGED', context: { topic: ACKS } }]);
    await close(log);
  });

  test('what looks wrong for a moment only, as while a broker starts, ends nothing', async () => {
    const log = await opened();
    append(log, entryOf(RUN, [1]));
    await clock.advance(10);
    const topic = kafka.topic(ACKS);
    const logs = kafka.messages(ACKS);
    kafka.deleteTopic(ACKS);
    await clock.advance(30_000);
    if (topic !== undefined) kafka.makeTopic(topic);
    for (const message of logs.flat()) {
      kafka.put({ topic: ACKS, partition: PARTITION, key: 'plaka', value: message.value.toString() });
    }
    await clock.advance(10_000);
    const after = append(log, entryOf(RUN, [2]));
    await clock.advance(100);
    expect(after.outcome?.stored).toEqual([[2, 2]]);
    expect(fatal).toEqual([]);
    await close(log);
  });

  test('the next process knows what the one before has seen, also when it was killed', async () => {
    const first = await opened();
    append(first, entryOf(RUN, span(1, 5)));
    await clock.advance(6000);
    kafka.wipe('cluster-2');
    const second = make();
    await second.open(never);
    const result = append(second, entryOf(RUN, [6]));
    await clock.advance(10_000);
    expect(result.error?.code).toBe('LOG_CHANGED');
    expect(kafka.topic(RECORDS)).toBeUndefined();
  });

  test('it remembers within seconds how long the log was', async () => {
    const first = await opened();
    append(first, entryOf(RUN, span(1, 5)));
    await clock.advance(6000);
    for (const name of [RECORDS, ACKS]) {
      const topic = kafka.topic(name);
      if (topic !== undefined) kafka.makeTopic(topic);
    }
    const second = make();
    await second.open(never);
    const result = append(second, entryOf(RUN, [6]));
    await clock.advance(10_000);
    expect(result.error).toMatchObject({ code: 'LOG_CHANGED', context: { topic: RECORDS, acknowledged: 4, end: 0 } });
  });

  test('without a memory of its own it learns from the acknowledgements that the log has been longer', async () => {
    const first = await opened();
    append(first, entryOf(RUN, span(1, 5)));
    await clock.advance(10);
    await close(first);
    const topic = kafka.topic(RECORDS);
    if (topic !== undefined) kafka.makeTopic(topic);
    const second = await opened({ stateDir: '/another' });
    await clock.advance(10_000);
    expect(fatal).toMatchObject([{ code: 'LOG_CHANGED', context: { topic: RECORDS, acknowledged: 4, end: 0 } }]);
    await close(second);
  });

  test('on purpose: once the file is removed, it goes on with an empty log', async () => {
    const first = await opened();
    append(first, entryOf(RUN, span(1, 5)));
    await clock.advance(10);
    await close(first);
    kafka.wipe('cluster-2');
    await disk.remove('/state/kafka.json');
    const second = await opened();
    const result = append(second, entryOf(RUN, span(1, 5)));
    await clock.advance(10);
    expect(result.outcome).toMatchObject({ stored: [[1, 5]], added: 5 });
    await close(second);
  });

  test('a weak topic ends it, and nothing is produced there', async () => {
    kafka.makeTopic({ name: RECORDS, partitions: PARTITIONS, replication: 1, settings: {} });
    const log = await opened();
    expect(fatal.map(({ code }) => code)).toEqual(['LOG_UNFIT']);
    const result = append(log, entryOf(RUN, [1]));
    await clock.advance(10);
    expect(result.error?.code).toBe('LOG_UNFIT');
    expect(kafka.values(RECORDS)).toEqual([]);
    await close(log);
  });

  test('a full disk stops nothing', async () => {
    disk.fate.end = 'full';
    disk.fate.steps = 0;
    const log = await opened();
    const result = append(log, entryOf(RUN, [1]));
    await clock.advance(60_000);
    expect(result.outcome?.stored).toEqual([[1, 1]]);
    await close(log);
  });

  test('a file that is damaged is no reason not to start', async () => {
    await disk.makeFolder('/state');
    await disk.writeFrom('/state/kafka.json', 0, Buffer.from('{"version":1}\nnonsense\n'));
    const log = await opened();
    const result = append(log, entryOf(RUN, [1]));
    await clock.advance(10);
    expect(result.outcome?.stored).toEqual([[1, 1]]);
    await close(log);
  });
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
    const log = await opened();
    await Promise.all([log.deadLetters.append([letter(1), letter(2)]), clock.advance(10)]);
    expect(kafka.messages(LETTERS)[PARTITION]?.map(({ value }) => JSON.parse(value.toString()))).toEqual(
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
    await close(log);
  });

  test('one that the topic does not take stays in a file', async () => {
    const log = await opened();
    kafka.faults.refuses = ({ value }) => value.includes('poison');
    const letters = [letter(1), letter(2, '"poison"'), letter(3, JSON.stringify('x'.repeat(5_000_000)))];
    await Promise.all([log.deadLetters.append(letters), clock.advance(100)]);
    expect(inFiles.map(({ sequence }) => sequence)).toEqual([2, 3]);
    expect(kafka.values(LETTERS)).toHaveLength(1);
    await close(log);
  });

  test('a message that no sink can take is kept as text or as bytes, with its place', async () => {
    const log = await opened();
    const place = { topic: RECORDS, partition: 1, offset: 7, sink: 'archive', reason: 'no record' };
    const values = [Buffer.from('not JSON'), Buffer.from([0xff, 0x00])];
    const appended = log.deadLetters.appendMessages(values.map((value) => ({ ...place, value })));
    await Promise.all([appended, clock.advance(10)]);
    expect(kafka.values(LETTERS).map((value) => JSON.parse(value))).toMatchObject([
      { ...place, bytes: 8, message: 'not JSON' },
      { ...place, bytes: 2, message_base64: '/wA=' },
    ]);
    await close(log);
  });

  test('while Kafka is away they are refused, so that no gateway is told that its record is kept', async () => {
    kafka.faults.isGone = true;
    const log = await opened();
    await expect(log.deadLetters.append([letter(1)])).rejects.toMatchObject({ code: 'LOG_FAILED' });
    expect(inFiles).toEqual([]);
    await close(log);
  });
});
