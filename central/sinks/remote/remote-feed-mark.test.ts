import { beforeEach, expect, test } from 'vitest';
import { SeededRandom } from '../../../runtime/random.ts';
import { FeedStage, PARTITIONS, TOPIC } from '../../../test/feed-stage.ts';
import { FeedMark } from '../feed/feed-mark.ts';
import { RemoteFeed } from './remote-feed.ts';
import type { RemoteStore, StoreRecord } from './remote-store.ts';

const GROUP = 'mooring.store';
const STATE = '/var/lib/mooring-central/sinks';

let stage: FeedStage;
let written: StoreRecord[] = [];
beforeEach(() => {
  stage = new FeedStage();
  written = [];
});

async function start({ folder = STATE, isResumed = false } = {}): Promise<RemoteFeed> {
  const store: RemoteStore = {
    name: 'store',
    open: async () => undefined,
    write: async (records) => {
      written.push(...records);
      return [];
    },
    close: async () => undefined,
  };
  const { clock, said: log, disk } = stage;
  const feed = new RemoteFeed({
    store,
    batch: { recordsMax: 100, bytesMax: 1_000_000, lingerMs: 0 },
    client: stage.kafka,
    topic: TOPIC,
    partitions: PARTITIONS,
    group: GROUP,
    deadLetters: { appendMessages: async (letters) => void stage.letters.push(...letters) },
    mark: new FeedMark({ disk, folder, name: 'store', clock, log }),
    resumeAtEarliest: isResumed,
    clock,
    random: new SeededRandom(2),
    log,
    onFatal: (error) => void stage.fatal.push(error),
  });
  feed.start();
  await clock.advance(3000);
  return feed;
}

async function feedOnce(options = {}): Promise<void> {
  const feed = await start(options);
  await feed.close();
}

const committed = (): Promise<readonly (number | undefined)[]> => stage.kafka.createAdmin().committed(GROUP, TOPIC);
const sequences = (): number[] => written.map(({ place }) => place?.sequence ?? 0);
const gaps = (): StoreRecord[] => written.filter(({ flat }) => flat.kind === 'gap');
const UNKNOWN = 'warn: neither Kafka nor `state` knows how far the sink was: reading from the earliest that there is';

test('a group that Kafka has forgotten goes on where the mark is, and has its offset again', async () => {
  stage.put(1, 10);
  await feedOnce();
  stage.kafka.forgetGroup(GROUP);
  stage.put(11, 15);
  written = [];
  await feedOnce();
  expect(sequences()).toEqual([11, 12, 13, 14, 15]);
  expect(await committed()).toEqual([15, undefined, undefined]);
});

test('what has expired behind the mark stops the feed; its record is the same at each telling; then it goes on as told', async () => {
  stage.put(1, 10);
  await feedOnce();
  stage.kafka.forgetGroup(GROUP);
  stage.put(11, 30);
  stage.kafka.expire(TOPIC, 0, 25);
  for (let time = 0; time < 2; time += 1) {
    const feed = await start();
    await stage.clock.advance(60_000);
    expect(feed.status()).toMatchObject({ state: 'stopped', lastError: { code: 'LOG_EXPIRED' } });
    await feed.close();
  }
  const [first, second] = gaps();
  expect(first?.flat).toMatchObject({ kind: 'gap', info: { from: 10, to: 25 } });
  expect(second).toEqual(first);
  written = [];
  const resumed = await start({ isResumed: true });
  await stage.clock.advance(20_000);
  await resumed.close();
  expect(sequences().slice(-5)).toEqual([26, 27, 28, 29, 30]);
  expect(await committed()).toEqual([30, undefined, undefined]);
});

test('the offset of the group is the one that counts, also where the mark of a copy is older', async () => {
  stage.put(1, 10);
  await feedOnce();
  stage.put(11, 20);
  await feedOnce({ folder: '/srv/other-copy/sinks' });
  written = [];
  stage.kafka.expire(TOPIC, 0, 15);
  stage.put(21, 22);
  await feedOnce();
  expect(sequences()).toEqual([21, 22]);
});

test('a group that has nothing new is remembered all the same', async () => {
  stage.put(1, 10);
  stage.kafka.commit(GROUP, TOPIC, new Map([[0, 10]]));
  await feedOnce();
  stage.kafka.forgetGroup(GROUP);
  await feedOnce();
  expect(written).toEqual([]);
});

test('without group and mark it begins with the earliest, and says so once where something may have been before', async () => {
  stage.put(1, 10);
  await feedOnce();
  expect(stage.said.said).not.toContain(UNKNOWN);
  stage.kafka.forgetGroup(GROUP);
  stage.kafka.expire(TOPIC, 0, 4);
  written = [];
  await feedOnce({ folder: '/srv/lost/sinks' });
  expect(sequences()).toEqual(expect.arrayContaining([5, 6, 7, 8, 9, 10]));
  expect(stage.said.said.filter((line) => line === UNKNOWN)).toHaveLength(1);
});

test('a mark that was tampered with is not believed: that is told, and it begins as without', async () => {
  stage.put(1, 10);
  await feedOnce();
  const path = `${STATE}/store.json`;
  const text = stage.disk.files(STATE).get('store.json') ?? '';
  await stage.disk.writeFrom(path, 0, Buffer.from(text.replace(':10', ':12')));
  stage.kafka.forgetGroup(GROUP);
  written = [];
  await feedOnce();
  expect(sequences()).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  expect(stage.said.said).toContain('warn: what was remembered of how far the sink is cannot be read');
});

test('the mark is written at most once a minute', async () => {
  const feed = await start();
  const mark = (): string => stage.disk.files(STATE).get('store.json') ?? '';
  stage.put(1, 10);
  await stage.clock.advance(5000);
  expect(mark()).toContain('"0":10');
  stage.put(11, 20);
  await stage.clock.advance(50_000);
  expect(mark()).toContain('"0":10');
  await stage.clock.advance(10_000);
  expect(mark()).toContain('"0":20');
  await feed.close();
});
