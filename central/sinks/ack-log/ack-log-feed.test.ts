import { beforeEach, expect, test } from 'vitest';
import { type RunId, recordIdOf } from '../../../protocol/ids.ts';
import type { Range } from '../../../protocol/intervals.ts';
import { silentLog } from '../../../runtime/log.ts';
import { SeededRandom } from '../../../runtime/random.ts';
import { SteppedClock } from '../../../sim/clock.ts';
import { MemoryKafka } from '../../../sim/memory-kafka.ts';
import { runOf, span } from '../../../test/conformance/entries.ts';
import { PowerCutDisk } from '../../../test/conformance/power-cut-disk.ts';
import { encodeAckMessage } from '../../recordlog/kafka/acks.ts';
import type { PoisonLetter } from '../feed/poison-letters.ts';
import { AckLogFeed } from './ack-log-feed.ts';

const RUN = runOf(1);
const TOPIC = 'mooring.acks';
const PATH = '/srv/mooring/acks.txt';

let disk: PowerCutDisk;
let kafka: MemoryKafka;
let clock: SteppedClock;
let letters: PoisonLetter[];
beforeEach(() => {
  disk = new PowerCutDisk(new SeededRandom(1));
  kafka = new MemoryKafka();
  kafka.makeTopic({ name: TOPIC, partitions: 2, replication: 1, settings: {} });
  clock = new SteppedClock();
  letters = [];
});

async function start(): Promise<AckLogFeed> {
  const feed = new AckLogFeed({
    name: 'acks',
    path: PATH,
    disk,
    client: kafka,
    topic: TOPIC,
    partitions: 2,
    group: 'mooring.acks',
    deadLetters: {
      appendMessages: async (more) => {
        letters.push(...more);
      },
    },
    clock,
    random: new SeededRandom(2),
    log: silentLog,
  });
  feed.start();
  await clock.advance(1100);
  return feed;
}

const put = (value: string): number => kafka.put({ topic: TOPIC, partition: 0, key: 'plaka', value });
const acknowledge = (run: RunId, state: 'stored' | 'held', ...ranges: Range[]): number =>
  put(encodeAckMessage({ run, gateway: 'plaka', partition: 0, first: 0, last: 9, state, ranges }));
const written = (): string[] => (disk.files('/srv/mooring').get('acks.txt') ?? '').split('\n').slice(0, -1);
const idsOf = (run: RunId, sequences: number[]): string[] => sequences.map((sequence) => recordIdOf(run, sequence));

test('it writes each id that is stored once, none that is only held, and goes on where it was', async () => {
  acknowledge(RUN, 'stored', [1, 3], [7, 7]);
  acknowledge(RUN, 'held', [4, 6]);
  const first = await start();
  acknowledge(RUN, 'stored', [2, 5]);
  await clock.advance(1100);
  expect(written()).toEqual(idsOf(RUN, [1, 2, 3, 7, 4, 5]));
  await first.close();
  acknowledge(runOf(2), 'stored', [1, 2]);
  acknowledge(RUN, 'stored', [1, 6]);
  const second = await start();
  await clock.advance(1100);
  expect(written()).toEqual([...idsOf(RUN, [1, 2, 3, 7, 4, 5]), ...idsOf(runOf(2), [1, 2]), ...idsOf(RUN, [6])]);
  await second.close();
  expect(clock.pendingTimers).toBe(0);
});

test('a backlog of more than one commit is caught up in several', async () => {
  acknowledge(RUN, 'stored', [1, 70_000]);
  acknowledge(RUN, 'stored', [70_001, 120_000]);
  const feed = await start();
  expect(written()).toHaveLength(100_000);
  await clock.advance(1000);
  expect(written()).toEqual(idsOf(RUN, span(1, 120_000)));
  await feed.close();
});

test('closing in the middle of a backlog leaves whole commits, and the next one has the rest', async () => {
  acknowledge(RUN, 'stored', [1, 160_000]);
  const first = await start();
  await first.close();
  expect(written()).toHaveLength(150_000);
  const second = await start();
  await clock.advance(1000);
  expect(written()).toEqual(idsOf(RUN, span(1, 160_000)));
  await second.close();
});

test('what is no acknowledgement goes to the dead letter', async () => {
  acknowledge(RUN, 'stored', [1, 1]);
  put('{"run":"x"}');
  acknowledge(RUN, 'stored', [2, 2]);
  const feed = await start();
  await clock.advance(1100);
  expect(written()).toEqual(idsOf(RUN, [1, 2]));
  expect(letters).toMatchObject([{ offset: 1, sink: 'acks', reason: 'it is no acknowledgement' }]);
  await feed.close();
});
