import { beforeEach, expect, test } from 'vitest';
import type { RunId } from '../../../protocol/ids.ts';
import { MooringError } from '../../../runtime/errors.ts';
import { SeededRandom } from '../../../runtime/random.ts';
import { SteppedClock } from '../../../sim/clock.ts';
import { MemoryKafka } from '../../../sim/memory-kafka.ts';
import { flatOf, runOf, span } from '../../../test/conformance/entries.ts';
import { PowerCutDisk } from '../../../test/conformance/power-cut-disk.ts';
import { LogLines } from '../../../test/log-lines.ts';
import type { FlatRecord } from '../../recordlog/recordlog.ts';
import { FilesSink } from '../files/files.ts';
import type { PoisonLetter } from './poison-letters.ts';
import { SinkFeed, type SinkFeedOptions } from './sink-feed.ts';

const RUN = runOf(1);
const FOLDER = '/srv/mooring/records';
const TOPIC = 'mooring.records';
const GROUP = 'mooring.archive';
const PARTITIONS = 3;
const LOG = `cluster-1/${TOPIC}`;

let disk: PowerCutDisk;
let kafka: MemoryKafka;
let clock: SteppedClock;
let said: LogLines;
let letters: PoisonLetter[];
let fatal: MooringError[];
/** Rejects what comes to the dead letter. */
let deadLetterFailure: MooringError | undefined;
beforeEach(() => {
  disk = new PowerCutDisk(new SeededRandom(1));
  kafka = new MemoryKafka();
  makeTopic();
  clock = new SteppedClock();
  said = new LogLines();
  letters = [];
  fatal = [];
  deadLetterFailure = undefined;
});

function makeTopic(): void {
  kafka.makeTopic({ name: TOPIC, partitions: PARTITIONS, replication: 1, settings: {} });
}

function makeFeed(options: Partial<SinkFeedOptions> = {}): SinkFeed {
  return new SinkFeed({
    sink: new FilesSink({ name: 'archive', path: FOLDER, clock, log: said, disk }),
    client: kafka,
    topic: TOPIC,
    partitions: PARTITIONS,
    group: GROUP,
    deadLetters: {
      appendMessages: async (more) => {
        if (deadLetterFailure !== undefined) throw deadLetterFailure;
        letters.push(...more);
      },
    },
    clock,
    random: new SeededRandom(2),
    log: said,
    onFatal: (error) => void fatal.push(error),
    ...options,
  });
}

async function started(options: Partial<SinkFeedOptions> = {}): Promise<SinkFeed> {
  const feed = makeFeed(options);
  feed.start();
  await clock.advance(1000);
  return feed;
}

function put(first: number, last: number, { run = RUN, partition = 0 } = {}): void {
  for (const sequence of span(first, last)) {
    kafka.put({ topic: TOPIC, partition, key: 'plaka', value: JSON.stringify(flatOf(run, sequence)) });
  }
}

const putText = (value: string, partition = 0): number => kafka.put({ topic: TOPIC, partition, key: 'plaka', value });

/** Every record in the files. */
function written(): FlatRecord[] {
  return [...disk.files(FOLDER)]
    .filter(([path]) => path.endsWith('.ndjson'))
    .flatMap(([, text]) => text.split('\n').slice(0, -1))
    .map((line) => JSON.parse(line) as FlatRecord);
}
const sequencesOf = (run: RunId): number[] =>
  written()
    .filter(({ id }) => id.startsWith(run))
    .map(({ id }) => Number.parseInt(id.slice(-12), 16))
    .sort((a, b) => a - b);
const positions = (): unknown =>
  JSON.parse(disk.files(FOLDER).get('.mooring/state.json')?.split('\n')[0] as string).logs[LOG];
const committed = async (): Promise<unknown> => await kafka.createAdmin().committed(GROUP, TOPIC);

test('what is in the topic, and what comes, stands in the sink once, with its text as it is, and the group hears of it', async () => {
  put(1, 20);
  const asItCame = JSON.stringify(flatOf(RUN, 21)).replace('{"id":', '{ "id" : ').replace(/}$/, ',"x_a":1.50}');
  putText(asItCame, 1);
  const feed = await started();
  expect(feed.status()).toEqual({ name: 'archive', state: 'feeding', lag: expect.anything(), lastError: undefined });
  put(15, 30);
  put(1, 5, { run: runOf(2), partition: 2 });
  await clock.advance(2100);
  expect(sequencesOf(RUN)).toEqual(span(1, 30));
  expect(sequencesOf(runOf(2))).toEqual(span(1, 5));
  expect([...disk.files(FOLDER)].map(([, text]) => text).join('')).toContain(`${asItCame}\n`);
  expect(positions()).toEqual({ 0: 36, 1: 1, 2: 5 });
  await clock.advance(1000);
  expect(await committed()).toEqual([36, 1, 5]);
  await feed.close();
  expect(feed.status().state).toBe('stopped');
  expect(clock.pendingTimers).toBe(0);
});

test('the next one goes on where the sink is, whatever the group says', async () => {
  put(1, 20);
  const first = await started();
  await first.close();
  kafka.commit(GROUP, TOPIC, new Map([[0, 3]]));
  put(21, 25);
  const sink = new FilesSink({ name: 'archive', path: FOLDER, clock, log: said, disk });
  const taken: number[] = [];
  const write = sink.write.bind(sink);
  sink.write = (entries, position) => {
    for (const { records } of entries) for (const { sequence } of records) taken.push(sequence);
    return write(entries, position);
  };
  const second = await started({ sink });
  expect(taken).toEqual(span(21, 25));
  await clock.advance(1000);
  expect(await committed()).toEqual([25, 0, 0]);
  await second.close();
  expect(sequencesOf(RUN)).toEqual(span(1, 25));
});

test('a folder without a position of the log begins at the earliest, though the group is further', async () => {
  put(1, 20);
  kafka.commit(GROUP, TOPIC, new Map([[0, 20]]));
  const feed = await started();
  await clock.advance(1000);
  expect(sequencesOf(RUN)).toEqual(span(1, 20));
  await feed.close();
});

test('a sink that takes nothing is told once and tried for ever; then it has everything once, and says so', async () => {
  const feed = await started();
  put(1, 10);
  await clock.advance(1000);
  Object.assign(disk.fate, { end: 'full', steps: 3 });
  put(11, 20);
  await clock.advance(60 * 60_000);
  expect(feed.status()).toMatchObject({ state: 'failed', lastError: { code: 'SINK_FAILED' }, lag: 10 });
  put(21, 30);
  disk.fate.steps = Number.POSITIVE_INFINITY;
  await clock.advance(62_000);
  expect(feed.status()).toMatchObject({ state: 'feeding', lastError: undefined, lag: 0 });
  expect(sequencesOf(RUN)).toEqual(span(1, 30));
  expect(said.told.filter((line) => line.startsWith('error') || line.includes('works'))).toEqual([
    'error: the sink fails; trying again',
    'info: the sink works again',
  ]);
  await feed.close();
});

test('a folder that cannot be opened for now is tried for ever', async () => {
  Object.assign(disk.fate, { end: 'full', steps: 0 });
  const feed = await started();
  put(1, 3);
  await clock.advance(10 * 60_000);
  expect(feed.status().state).toBe('failed');
  disk.fate.steps = Number.POSITIVE_INFINITY;
  await clock.advance(62_000);
  expect(sequencesOf(RUN)).toEqual(span(1, 3));
  await feed.close();
});

test('a place that will never do ends the feed, and the centre with it', async () => {
  const feed = await started();
  await feed.close();
  await disk.writeFrom(`${FOLDER}/.mooring/state.json`, 0, Buffer.from('x'));
  const again = await started();
  expect(again.status()).toMatchObject({ state: 'stopped', lastError: { code: 'SINK_STATE_DAMAGED' } });
  expect(fatal).toMatchObject([{ code: 'SINK_STATE_DAMAGED' }]);
  await again.close();
});

test('what no sink can ever take goes to the dead letter, with where it stands and why, and the rest goes on', async () => {
  const good = flatOf(RUN, 1);
  const poisons: [string | Buffer, string][] = [
    ['{"id":', 'it is not JSON'],
    ['', 'it is not JSON'],
    ['[]', 'it is no object'],
    ['null', 'it is no object'],
    ['7', 'it is no object'],
    ['{}', 'its id is no text'],
    [JSON.stringify({ ...good, gateway: 7 }), 'its gateway is no text'],
    [JSON.stringify({ ...good, timestamp: null }), 'its timestamp is no text'],
    [JSON.stringify({ ...good, id: '74738ff5-5367-5958-9aee-98fffdcd1876' }), 'its id names no run and sequence'],
    [JSON.stringify({ ...good, timestamp: '2026-02-30T00:00:00.000Z' }), 'its timestamp is none'],
    [JSON.stringify({ ...good, timestamp: '+010000-01-01T00:00:00.000Z' }), 'its timestamp is none'],
    [JSON.stringify({ ...good, timestamp: '../../../../etc/passwd-00.00' }), 'its timestamp is none'],
    [JSON.stringify({ ...good, x_long: 'x'.repeat(524_288) }), 'larger than 524288 bytes'],
  ];
  put(1, 5);
  for (const [value] of poisons) putText(value as string);
  put(6, 9);
  const feed = await started();
  await clock.advance(1000);
  expect(sequencesOf(RUN)).toEqual(span(1, 9));
  expect(letters.map(({ offset, reason }) => [offset, reason])).toEqual(
    poisons.map(([, reason], index) => [5 + index, reason]),
  );
  expect(letters[0]).toEqual({
    topic: TOPIC,
    partition: 0,
    offset: 5,
    sink: 'archive',
    value: Buffer.from('{"id":'),
    reason: 'it is not JSON',
  });
  expect(positions()).toMatchObject({ 0: 9 + poisons.length });
  await feed.close();
});

test('while the dead letter takes nothing the line waits; each letter is given once, and nothing is passed over', async () => {
  deadLetterFailure = new MooringError('LOG_FAILED', 'away');
  put(1, 5);
  putText('poison');
  put(6, 9);
  const feed = await started();
  await clock.advance(5 * 60_000);
  expect(feed.status()).toMatchObject({ state: 'failed', lastError: { code: 'LOG_FAILED' } });
  expect(written()).toEqual([]);
  deadLetterFailure = undefined;
  Object.assign(disk.fate, { end: 'full', steps: 3 });
  await clock.advance(5 * 60_000);
  expect(letters).toHaveLength(1);
  disk.fate.steps = Number.POSITIVE_INFINITY;
  await clock.advance(62_000);
  expect(letters).toHaveLength(1);
  expect(sequencesOf(RUN)).toEqual(span(1, 9));
  await feed.close();
});

test('a record whose text has several lines stands in one', async () => {
  putText(JSON.stringify(flatOf(RUN, 1), null, 2));
  const feed = await started();
  await clock.advance(1000);
  expect(written()).toEqual([flatOf(RUN, 1)]);
  await feed.close();
});

test('a second copy stands by before it joins the group, and takes over where the first was', async () => {
  const first = await started();
  put(1, 10);
  await clock.advance(2000);
  const second = await started();
  await clock.advance(10_000);
  expect(second.status()).toMatchObject({ state: 'standing by', lag: undefined });
  expect(said.told.filter((line) => line === 'info: reading the log')).toHaveLength(1);
  await first.close();
  put(11, 20);
  await clock.advance(2000);
  expect(second.status().state).toBe('feeding');
  expect(sequencesOf(RUN)).toEqual(span(1, 20));
  await second.close();
});

test('closing finishes the write that is under way, and lets the group know of it', async () => {
  const feed = await started();
  put(1, 10);
  await clock.advance(1000);
  put(11, 20);
  await clock.advance(20);
  await feed.close();
  expect(sequencesOf(RUN)).toEqual(span(1, 20));
  expect(await committed()).toEqual([20, 0, 0]);
  expect(clock.pendingTimers).toBe(0);
});

test('closing does not wait for a Kafka that is away, a folder that another has, nor a disk that is full', async () => {
  kafka.faults.isGone = true;
  const away = await started();
  await clock.advance(30_000);
  await away.close();
  kafka.faults.isGone = false;
  const first = await started();
  const standby = await started();
  await standby.close();
  Object.assign(disk.fate, { end: 'full', steps: 0 });
  put(1, 3);
  await clock.advance(5000);
  await first.close();
  expect(clock.pendingTimers).toBe(0);
});
