import { beforeEach, expect, test } from 'vitest';
import { MooringError } from '../../../runtime/errors.ts';
import { SeededRandom } from '../../../runtime/random.ts';
import { flatOf, runOf, span } from '../../../test/conformance/entries.ts';
import { foreignOf } from '../../../test/conformance/remote-records.ts';
import { FeedStage, PARTITIONS, RUN, TOPIC } from '../../../test/feed-stage.ts';
import { RemoteFeed, type RemoteFeedOptions } from './remote-feed.ts';
import type { RefusedRecord, RemoteStore, StoreRecord } from './remote-store.ts';

const GROUP = 'mooring.store';

/** A store in memory, on the clock of the stage. */
class MemoryStore implements RemoteStore {
  readonly name = 'store';
  readonly there = new Map<string, StoreRecord>();
  /** How many records each write had. */
  readonly writes: number[] = [];
  /** Of each write that was answered, in milliseconds. */
  tookMs = 1;
  /** More than so many are a write that takes too long. */
  bearable = Number.POSITIVE_INFINITY;
  failure: MooringError | undefined;
  isOpen = false;
  readonly refuses = new Map<string, string>();
  readonly #stage: FeedStage;

  constructor(stage: FeedStage) {
    this.#stage = stage;
  }

  async open(): Promise<void> {
    if (this.failure !== undefined) throw this.failure;
    this.isOpen = true;
  }

  async write(records: readonly StoreRecord[]): Promise<readonly RefusedRecord[]> {
    this.writes.push(records.length);
    const isTooMuch = records.length > this.bearable;
    await this.#stage.clock.sleep(isTooMuch ? 10_000 : this.tookMs);
    if (!this.isOpen) throw new MooringError('SINK_FAILED', 'the connection was let go');
    if (isTooMuch) throw new MooringError('SINK_FAILED', 'no answer within 10000 ms');
    if (this.failure !== undefined) throw this.failure;
    const refused: RefusedRecord[] = [];
    for (const [index, record] of records.entries()) {
      const reason = this.refuses.get(record.flat.id);
      if (reason === undefined) this.there.set(record.flat.id, record);
      else refused.push({ index, reason });
    }
    return refused;
  }

  async close(): Promise<void> {
    this.isOpen = false;
  }
}

let stage: FeedStage;
let store: MemoryStore;
beforeEach(() => {
  stage = new FeedStage();
  store = new MemoryStore(stage);
});

async function start(options: Partial<RemoteFeedOptions> = {}): Promise<RemoteFeed> {
  const feed = new RemoteFeed({
    store,
    batch: { recordsMax: 100, bytesMax: 1_000_000, lingerMs: 0 },
    client: stage.kafka,
    topic: TOPIC,
    partitions: PARTITIONS,
    group: GROUP,
    deadLetters: { appendMessages: async (letters) => void stage.letters.push(...letters) },
    clock: stage.clock,
    random: new SeededRandom(2),
    log: stage.said,
    onFatal: (error) => void stage.fatal.push(error),
    ...options,
  });
  feed.start();
  await stage.clock.advance(1000);
  return feed;
}

const committed = (): Promise<readonly (number | undefined)[]> => stage.kafka.createAdmin().committed(GROUP, TOPIC);
const idOf = (sequence: number): string => flatOf(RUN, sequence).id;

test('records of gateways and of existing devices come as they are, and the next one goes on where the group is', async () => {
  stage.put(1, 250);
  stage.putText(JSON.stringify(foreignOf(1)), 1);
  const first = await start();
  await stage.clock.advance(3000);
  expect(store.there.size).toBe(251);
  expect(store.there.get(idOf(7))).toEqual({
    flat: flatOf(RUN, 7),
    json: JSON.stringify(flatOf(RUN, 7)),
    place: { run: RUN, sequence: 7 },
  });
  expect(store.there.get(foreignOf(1).id)).toMatchObject({ flat: foreignOf(1), place: undefined });
  expect(Math.max(...store.writes)).toBeLessThanOrEqual(100);
  expect(await committed()).toEqual([250, 1, undefined]);
  await first.close();
  expect(store.isOpen).toBe(false);
  store.writes.length = 0;
  stage.put(251, 260);
  const second = await start();
  await stage.clock.advance(2000);
  expect(store.writes).toEqual([10]);
  expect(await committed()).toEqual([260, 1, undefined]);
  await second.close();
});

test('an id that is of no run and no UUID of version 5 goes to the dead letter', async () => {
  stage.put(1, 3);
  const random = '1f1e33c8-6b7f-4b1e-8a51-6a4d6c2f9f10';
  for (const id of [random, `${RUN}-000000000000`, foreignOf(1).id.toUpperCase(), 'x']) {
    stage.putText(JSON.stringify({ ...flatOf(RUN, 9), id }));
  }
  const feed = await start();
  await stage.clock.advance(1000);
  expect(store.there.size).toBe(3);
  expect(feed.status().letters).toBe(stage.letters.length);
  expect(stage.letters.map(({ offset, sink, reason }) => [offset, sink, reason])).toEqual(
    span(3, 6).map((offset) => [
      offset,
      'store',
      'its id is neither that of a run and sequence nor a UUID of version 5',
    ]),
  );
  await feed.close();
});

test('what the store refuses goes to the dead letter with its word, and the line goes on', async () => {
  stage.put(1, 20);
  store.refuses.set(idOf(5), 'field of another type').set(idOf(17), 'no such column');
  const feed = await start({ take: { gateways: ['plaka'] } });
  stage.putText(JSON.stringify({ ...flatOf(RUN, 21), gateway: 'other' }));
  stage.put(22, 30);
  store.refuses.set(idOf(22), 'too wide');
  await stage.clock.advance(3000);
  expect(stage.letters.map(({ partition, offset, reason }) => [partition, offset, reason])).toEqual([
    [0, 4, 'field of another type'],
    [0, 16, 'no such column'],
    [0, 21, 'too wide'],
  ]);
  expect(store.there.size).toBe(26);
  expect(await committed()).toEqual([30, undefined, undefined]);
  await feed.close();
});

test('what a sink does not take is passed by, also where nothing else is there, and the group goes on', async () => {
  stage.put(1, 10);
  stage.put(1, 10, { run: runOf(2), partition: 1 });
  for (const [kind, station] of [
    ['alarm', 'buoy-7'],
    ['alarm', 'buoy-8'],
    ['gap', 'buoy-7'],
  ]) {
    stage.putText(
      JSON.stringify({
        ...flatOf(runOf(3), stage.letters.length + 1),
        id: foreignOf(store.there.size).id,
        kind,
        station,
      }),
      2,
    );
  }
  const feed = await start({ take: { kinds: ['alarm', 'gap'], stations: ['buoy-7'] } });
  await stage.clock.advance(3000);
  expect([...store.there.values()].map(({ flat }) => [flat.kind, flat.station])).toEqual([['gap', 'buoy-7']]);
  expect(store.writes).toEqual([2]);
  expect(await committed()).toEqual([10, 10, 3]);
  await feed.close();
});

test('a store that is away is told once and tried for ever; then it has everything, and batches are as large as before', async () => {
  stage.put(1, 100);
  const feed = await start();
  store.failure = new MooringError('SINK_FAILED', 'connection refused');
  stage.put(101, 500);
  await stage.clock.advance(30 * 60_000);
  expect(feed.status()).toMatchObject({ state: 'failed', lastError: { code: 'SINK_FAILED' }, lag: 400 });
  store.failure = undefined;
  store.writes.length = 0;
  await stage.clock.advance(62_000);
  expect(feed.status()).toMatchObject({ state: 'feeding', lastError: undefined, lag: 0 });
  expect(store.there.size).toBe(500);
  expect(store.writes).toEqual([100, 100, 100, 100]);
  await feed.close();
});

test('a write that takes too long is halved until it does not, and what is there by then is not written again', async () => {
  store.bearable = 30;
  store.refuses.set(idOf(3), 'no such column');
  stage.put(1, 400);
  const feed = await start();
  await stage.clock.advance(5 * 60_000);
  expect(store.there.size).toBe(399);
  expect(store.writes.slice(0, 4)).toEqual([100, 49, 24, 24]);
  expect(store.writes.filter((records) => records <= 30).reduce((sum, records) => sum + records, 0)).toBe(400);
  expect(stage.letters.map(({ offset }) => offset)).toEqual([2]);
  await feed.close();
});

test('a store that does not open is tried for ever; one that is unfit stops its own feed, and not the centre', async () => {
  store.failure = new MooringError('SINK_FAILED', 'connection refused');
  stage.put(1, 3);
  const feed = await start();
  await stage.clock.advance(10 * 60_000);
  expect(feed.status()).toMatchObject({ state: 'failed', lastError: { code: 'SINK_FAILED' } });
  store.failure = undefined;
  await stage.clock.advance(62_000);
  expect(store.there.size).toBe(3);
  await feed.close();
  store.failure = new MooringError('SINK_UNFIT', 'a table of another shape');
  const unfit = await start();
  expect(unfit.status()).toMatchObject({ state: 'stopped', lastError: { code: 'SINK_UNFIT' } });
  expect(stage.fatal).toEqual([]);
  await unfit.close();
});

test('a file of the connection that is not there, at the start or later, is waited for', async () => {
  store.failure = new MooringError('CONFIG_UNREADABLE', 'a file of the connection cannot be read', { hint: 'See.' });
  stage.put(1, 3);
  const feed = await start();
  expect(feed.status()).toMatchObject({ state: 'failed', lastError: { code: 'SINK_FAILED', hint: 'See.' } });
  store.failure = undefined;
  await stage.clock.advance(62_000);
  expect(store.there.size).toBe(3);
  store.failure = new MooringError('CONFIG_INVALID', 'a file of the connection has no secret in its first line');
  stage.put(4, 6);
  await stage.clock.advance(10 * 60_000);
  expect(feed.status()).toMatchObject({ state: 'failed', lastError: { code: 'SINK_FAILED' } });
  store.failure = undefined;
  await stage.clock.advance(62_000);
  expect(store.there.size).toBe(6);
  await feed.close();
  expect(stage.fatal).toEqual([]);
});

test('what the log has dropped before it was read stops the feed, and stands in the store once, whatever it takes', async () => {
  stage.put(1, 10);
  const first = await start();
  await stage.clock.advance(2000);
  await first.close();
  stage.put(11, 30);
  stage.kafka.expire(TOPIC, 0, 25);
  for (let time = 0; time < 2; time += 1) {
    const feed = await start({ take: { kinds: ['alarm'] } });
    await stage.clock.advance(60_000);
    expect(feed.status()).toMatchObject({ state: 'stopped', lastError: { code: 'LOG_EXPIRED' } });
    await feed.close();
  }
  const gaps = [...store.there.values()].filter(({ flat }) => flat.kind === 'gap');
  expect(gaps).toMatchObject([
    { flat: { gateway: '_centre', station: 'store', info: { from: 10, to: 25 } }, place: { sequence: 1 } },
  ]);
  const resumed = await start({ resumeAtEarliest: true });
  await stage.clock.advance(20_000);
  expect(resumed.status().state).toBe('feeding');
  expect(store.there.has(idOf(30))).toBe(true);
  await resumed.close();
});

test('closing finishes the write that is under way; one that takes too long is cut off, and written again', async () => {
  const first = await start();
  store.tookMs = 500;
  stage.put(1, 10);
  await stage.clock.advance(100);
  const closing = first.close();
  await stage.clock.advance(600);
  await closing;
  expect(await committed()).toEqual([10, undefined, undefined]);
  const second = await start();
  store.tookMs = 5000;
  stage.put(11, 20);
  await stage.clock.advance(100);
  const cut = second.close();
  await stage.clock.advance(5000);
  await cut;
  expect(await committed()).toEqual([10, undefined, undefined]);
  expect(store.there.size).toBe(10);
  store.tookMs = 1;
  const third = await start();
  await stage.clock.advance(1000);
  expect(store.there.size).toBe(20);
  await third.close();
  expect(stage.clock.pendingTimers).toBe(0);
});
