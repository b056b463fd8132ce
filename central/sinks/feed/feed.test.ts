import { beforeEach, expect, test } from 'vitest';
import type { RunId } from '../../../protocol/ids.ts';
import type { MooringError } from '../../../runtime/errors.ts';
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
