/** What goes wrong between the store and HDFS; `test/engines/hdfs.engine.ts` has the real one. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { systemClock } from '../../../runtime/clock.ts';
import { MooringError } from '../../../runtime/errors.ts';
import { SeededRandom } from '../../../runtime/random.ts';
import { SteppedClock } from '../../../sim/clock.ts';
import { flatOf, runOf, span } from '../../../test/conformance/entries.ts';
import { foreignOf, storeRecordOf } from '../../../test/conformance/remote-records.ts';
import { HdfsStandIn } from '../../../test/engines/hdfs-stand-in.ts';
import { parquetRecords } from '../../../test/parquet-records.ts';
import { eventually } from '../../../test/processes.ts';
import type { FlatRecord } from '../../recordlog/recordlog.ts';
import { HdfsStore, type HdfsStoreOptions } from './hdfs-store.ts';

const never = new AbortController().signal;
const PATH = '/lake';

let hdfs: HdfsStandIn;
let stores: HdfsStore[];
let seed: number;
beforeEach(async () => {
  hdfs = await HdfsStandIn.start();
  hdfs.nowMs = systemClock.wallMs();
  stores = [];
  seed = 0;
});
afterEach(async () => {
  for (const store of stores) await store.close();
  hdfs.stop();
});

function make(options: Partial<HdfsStoreOptions> = {}): HdfsStore {
  seed += 1;
  const random = new SeededRandom(seed);
  const store = new HdfsStore({ name: 'lake', url: hdfs.url, path: PATH, clock: systemClock, random, ...options });
  stores.push(store);
  return store;
}

async function opened(options: Partial<HdfsStoreOptions> = {}): Promise<HdfsStore> {
  const store = make(options);
  await store.open(never);
  return store;
}

const own = (first: number, last: number): FlatRecord[] =>
  span(first, last).map((sequence) => flatOf(runOf(1), sequence));
const write = (store: HdfsStore, flats: readonly FlatRecord[]) => store.write(flats.map(storeRecordOf));
const parquetPaths = (): string[] => hdfs.files(PATH).flatMap(([path]) => (/\/date=/.test(path) ? [path] : []));

/** Every record that stands there, repeats included, once a start has done what was left to do. */
async function found(): Promise<string[]> {
  await (await opened()).close();
  const ids: string[] = [];
  for (const [path, content] of hdfs.files(PATH)) {
    if (/\/date=/.test(path)) ids.push(...(await parquetRecords(content)).map(({ id }) => id));
    if (/\/log\/\d+\/\d+$/.test(path) && !path.endsWith('/000000000'))
      ids.push(
        ...content
          .toString()
          .split('\n')
          .filter(Boolean)
          .map((line) => (JSON.parse(line) as FlatRecord).id),
      );
  }
  return ids.sort();
}
const idsOf = (flats: readonly FlatRecord[]): string[] => flats.map(({ id }) => id).sort();

test('two that write to one folder take turns, and what comes to both stands there once', async () => {
  const [one, two] = [await opened({ rollBytes: 5000 }), await opened({ rollBytes: 3000 })];
  const flats = [...own(1, 100), ...span(1, 50).map(foreignOf)];
  for (let at = 0; at < flats.length; at += 10) {
    const batch = flats.slice(at, at + 20);
    await Promise.all([write(one, batch), write(two, batch.toReversed())]);
  }
  expect(await found()).toEqual(idsOf(flats));
  expect(parquetPaths().length).toBeGreaterThan(4);
});

test('one that slept while another one made files of the log does not write to what is gone', async () => {
  const [slow, fast] = [await opened(), await opened({ rollBytes: 1 })];
  await write(slow, own(1, 10));
  for (let at = 11; at < 60; at += 10) await write(fast, own(at, at + 9));
  await write(slow, own(1, 70));
  expect(await found()).toEqual(idsOf(own(1, 70)));
});

test('a rename that arrives when its writer has long gone on does not bring anything back', async () => {
  const store = await opened({ rollBytes: 1, deadlineMs: 200 });
  let release: () => void = () => undefined;
  const late = new Promise<void>((resolve) => (release = resolve));
  let isHeld = false;
  hdfs.hold = ({ op, to }) => {
    if (isHeld || op !== 'RENAME' || !to.includes('/log/')) return undefined;
    isHeld = true;
    return late;
  };
  await expect(write(store, own(1, 10))).rejects.toMatchObject({ code: 'SINK_FAILED', retry: 'later' });
  for (let time = 0; time < 3; time += 1) await write(store, own(1 + time, 30 + time));
  release();
  await write(store, own(1, 40));
  expect(await found()).toEqual(idsOf(own(1, 40)));
});

test.each(['before', 'after'] as const)(
  'files that were sealed are finished by who comes next, the first broke off %s each rename',
  async (fault) => {
    for (let renames = 1; renames <= 6; renames += 1) {
      const store = await opened({ rollBytes: 1 });
      const flats = [...own(renames * 10 - 9, renames * 10), foreignOf(renames)];
      await write(store, flats);
      let count = 0;
      hdfs.fault = ({ op }) => {
        count += op === 'RENAME' ? 1 : 0;
        return count >= renames ? fault : undefined;
      };
      await write(store, own(500 + renames, 500 + renames)).catch((error: unknown) => error);
      hdfs.fault = () => undefined;
      await store.close();
      const next = await opened();
      await write(next, [...flats, ...own(500 + renames, 500 + renames)]);
      await next.close();
    }
    const all = [...own(1, 60), ...span(1, 6).map(foreignOf), ...own(501, 506)];
    expect(await found()).toEqual(idsOf(all));
  },
);

test.each([1, 2, 3])('whatever breaks and whenever, every id stands there once (seed %i)', async (chance) => {
  const random = new SeededRandom(chance);
  const faults = ['before', 'after', 'torn'] as const;
  hdfs.fault = () => (random.uniform() < 0.06 ? faults[Math.floor(random.uniform() * 3)] : undefined);
  const flats = [...own(1, 200), ...span(1, 60).map(foreignOf)];
  const writer = async (step: number): Promise<void> => {
    let store: HdfsStore | undefined;
    for (let at = 0; at < flats.length; ) {
      try {
        if (store === undefined || random.uniform() < 0.03) {
          await store?.close();
          store = make({ rollBytes: 6000 });
          await store.open(never);
        }
        await write(store, flats.slice(at, at + step));
        at += step;
      } catch (error) {
        if (!(error instanceof MooringError) || error.retry !== 'later') throw error;
      }
    }
  };
  await Promise.all([writer(20), writer(17)]);
  hdfs.fault = () => undefined;
  expect(await found()).toEqual(idsOf(flats));
});

test('what was replayed and is in files of another time is known by its date', async () => {
  const flats = span(1, 300).map(foreignOf);
  const store = await opened({ rollBytes: 1 });
  for (const day of [1, 2, 3])
    await write(
      store,
      flats.map((flat) => onDay(flat, day)),
    );
  await store.close();
  const again = await opened();
  for (const day of [3, 1, 2])
    await write(
      again,
      flats.map((flat) => onDay(flat, day)),
    );
  expect((await found()).length).toBe(900);
});

test('an hour after it was written, and without another write, the log becomes one file a date', async () => {
  const clock = new SteppedClock(hdfs.nowMs);
  const store = await opened({ clock });
  await write(store, own(1, 60));
  await write(store, own(61, 120));
  await clock.advance(3_599_000);
  expect(parquetPaths()).toEqual([]);
  await clock.advance(2000);
  await eventually('there are files', 10_000, () => hdfs.files(`${PATH}/_mooring/log/000000002`).length === 1);
  expect(parquetPaths()).toEqual([
    `${PATH}/date=2026-01-31/000000001-000000001-000000002.parquet`,
    `${PATH}/date=2026-02-01/000000001-000000001-000000002.parquet`,
  ]);
  expect(await found()).toEqual(idsOf(own(1, 120)));
});

test('what a writer left unfinished is deleted after a day by the clock of HDFS, and nothing younger', async () => {
  const at = (name: string, ageMs: number): void => {
    hdfs.nodes.set(`${PATH}/_mooring/tmp/${name}`, { content: Buffer.from('x'), modifiedMs: hdfs.nowMs - ageMs });
  };
  await (await opened()).close();
  at('old', 86_401_000);
  at('young', 86_399_000);
  await opened({ clock: new SteppedClock(hdfs.nowMs + 30 * 86_400_000) });
  expect(hdfs.files(`${PATH}/_mooring/tmp`).map(([path]) => path)).toEqual([`${PATH}/_mooring/tmp/young`]);
});

test('where no file can be made, nothing more is taken, and it says so', async () => {
  const store = await opened({ rollBytes: 1 });
  await write(store, own(1, 10));
  hdfs.fault = ({ op }) => (op === 'READ' ? 'before' : undefined);
  await expect(write(store, own(11, 20))).rejects.toMatchObject({ code: 'SINK_FAILED', retry: 'later' });
  hdfs.fault = () => undefined;
  await write(store, own(11, 20));
  expect(await found()).toEqual(idsOf(own(1, 20)));
});

test.each([
  [401, 'AuthenticationException'],
  [403, 'AccessControlException'],
  [404, 'NotFoundException'],
])(
  'a refusal by %i is for good as a store opens, and passes of one that was taken before',
  async (status, exception) => {
    const store = await opened();
    await write(store, own(1, 10));
    hdfs.fault = () => ({ status, exception });
    await expect(write(store, own(11, 20))).rejects.toMatchObject({ code: 'SINK_FAILED', retry: 'later' });
    await expect(opened()).rejects.toMatchObject({ code: 'SINK_UNFIT' });
    hdfs.fault = () => undefined;
    await write(store, own(11, 20));
    expect(await found()).toEqual(idsOf(own(1, 20)));
  },
);

test('a ledger that is damaged is not gone on with', async () => {
  await write(await opened(), own(1, 10));
  const path = `${PATH}/_mooring/log/000000001/000000000`;
  hdfs.nodes.set(path, { content: Buffer.from('{}\n'), modifiedMs: 0 });
  await expect(opened()).rejects.toMatchObject({ code: 'SINK_STATE_DAMAGED', context: { path } });
});

test('a file under its name, and a folder with something else in it, are refused', async () => {
  hdfs.nodes.set('/lake', { content: Buffer.from('x'), modifiedMs: 0 });
  await expect(opened()).rejects.toMatchObject({ code: 'SINK_UNFIT', context: { reason: 'it is a file' } });
  hdfs.nodes.set('/lake', { content: undefined, modifiedMs: 0 });
  hdfs.nodes.set('/lake/part-0.csv', { content: Buffer.from('x'), modifiedMs: 0 });
  await expect(opened()).rejects.toMatchObject({ code: 'SINK_UNFIT', hint: expect.stringMatching(/empty folder/) });
});

test.each(['lake', '/lake/', '//lake', '/'])('%s is no path of a folder', (path) => {
  expect(() => make({ path })).toThrow(MooringError);
});

function onDay(flat: FlatRecord, day: number): FlatRecord {
  const timestamp = flat.timestamp.replace('2026-02-0', `2026-02-${day}`);
  const id = `${day}${flat.id.slice(1)}`;
  return { ...flat, id, timestamp, received_at: timestamp };
}
