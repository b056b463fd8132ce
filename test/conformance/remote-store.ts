import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { FlatRecord } from '../../central/recordlog/recordlog.ts';
import type { RemoteStore } from '../../central/sinks/remote/remote-store.ts';
import { recordIdOf } from '../../protocol/ids.ts';
import { MooringError } from '../../runtime/errors.ts';
import { flatOf, runOf, span } from './entries.ts';
import { patient } from './patient-store.ts';
import { kill, startRemoteWriter } from './remote-kill.ts';
import { foreignOf, lostInTimeOf, storeRecordOf, variantsOf, wordsOf } from './remote-records.ts';

/** A server that was started for the suite, on loopback. */
export interface Engine {
  /** An empty place of its own for each test: whatever `make` has to know, in one text. */
  newPlace(): Promise<string>;
  /** SIGKILL and a new start with the same data; resolves when it serves. */
  restart(): Promise<void>;
  /** SIGSTOP: it accepts and answers nothing. */
  pause(): void;
  resume(): void;
  stop(): Promise<void>;
}

export interface RemoteHarness {
  start(): Promise<Engine>;
  /** A sink that writes to a place. Called in other processes too. */
  make(place: string): RemoteStore;
  /** Every record that stands there now, in any order, repeats included, as the flat object it was. */
  read(place: string): Promise<readonly FlatRecord[]>;
  /** Takes records out behind the sink's back. */
  remove(place: string, ids: readonly string[]): Promise<void>;
  /** What the query that the sink ships says: sequences of a run that are missing between 1 and its last. */
  missing(place: string, run: string): Promise<readonly number[]>;
  /** How many indices, folders, buckets or partitions by event date there are; undefined where dates make none. */
  partitions?(place: string): Promise<number>;
  /** Something else stands there under the sink's names. */
  makeUnfit(place: string): Promise<void>;
  /** Records that this store can never take, each valid by itself; none where it takes all. */
  readonly poison: readonly FlatRecord[];
}

const never = new AbortController().signal;
const START_MS = 300_000;
/** Most take seconds; a server whose machine does much else takes minutes. */
const TEST_MS = 300_000;
const KILLS = 4;
/** As `remote-writer.ts` has it. */
const KILLED_RUN = 6;
const LOST_IN_TIME = 10_000;
/** Each in a week of its own, and none so long ago that its date would not be believed. */
const LATE_DAYS = [30, 120, 365];
const DAY_MS = 86_400_000;

/**
 * What every store that runs elsewhere must keep, tried on the real one.
 * @param moduleUrl the module that exports `harness`, for processes that are to be killed
 */
export function describeRemoteStore(name: string, harness: RemoteHarness, moduleUrl: string): void {
  describe(`store ${name}`, { timeout: TEST_MS }, () => {
    let engine: Engine;
    let place = '';
    beforeAll(async () => {
      engine = await harness.start();
    }, START_MS);
    afterAll(() => engine?.stop(), START_MS);
    beforeEach(async () => {
      place = await engine.newPlace();
    }, START_MS);

    const open = async (): Promise<RemoteStore> => {
      const store = patient(harness.make(place));
      await store.open(never);
      return store;
    };
    const write = async (store: RemoteStore, flats: readonly FlatRecord[]): Promise<void> => {
      expect(await store.write(flats.map(storeRecordOf))).toEqual([]);
    };
    const expectExactly = async (expected: readonly FlatRecord[]): Promise<void> => {
      const byId = (a: FlatRecord, b: FlatRecord): number => (a.id < b.id ? -1 : 1);
      expect([...(await harness.read(place))].sort(byId)).toEqual([...expected].sort(byId));
    };

    test('every id stands there once, with every value as it was, after two replays and a new start', async () => {
      const run = runOf(1);
      const flats = [
        ...span(1, 300).map((sequence) => flatOf(run, sequence)),
        ...span(1, 100).map(foreignOf),
        ...wordsOf((sequence) => recordIdOf(runOf(2), sequence)),
        ...variantsOf((run) => flatOf(run, 1)),
      ];
      const first = await open();
      await write(first, flats.slice(0, 250));
      await write(first, flats);
      await first.close();
      const second = await open();
      await write(second, flats.toReversed());
      await second.close();
      await expectExactly(flats);
    });

    test('an id that stands twice in one write stands there once', async () => {
      const flats = span(1, 20).map((sequence) => flatOf(runOf(1), sequence));
      const store = await open();
      await write(store, [...flats, ...flats]);
      await store.close();
      await expectExactly(flats);
    });

    test('one that it can never take is returned with a reason, and the others are written', async () => {
      const flats = span(1, 40).map((sequence) => flatOf(runOf(1), sequence));
      const mixed = [...flats.slice(0, 20), ...harness.poison, ...flats.slice(20)];
      const store = await open();
      const refused = await store.write(mixed.map(storeRecordOf));
      expect(refused.map(({ index }) => mixed[index]?.id)).toEqual(harness.poison.map(({ id }) => id));
      for (const { reason } of refused) expect(reason).toMatch(/\w{3}/);
      await store.close();
      await expectExactly(flats);
    });

    test('the query that it ships names what is missing of a run', async () => {
      const run = runOf(3);
      const store = await open();
      await write(store, [...span(1, 200).map((sequence) => flatOf(run, sequence)), flatOf(runOf(4), 9), foreignOf(1)]);
      await store.close();
      expect(await harness.missing(place, run)).toEqual([]);
      await harness.remove(
        place,
        [17, 18, 150].map((sequence) => recordIdOf(run, sequence)),
      );
      expect(await harness.missing(place, run)).toEqual([17, 18, 150]);
    });

    test('what comes late stands once at the time of its event, beside what came before it', async () => {
      const first = span(1, 20).map((sequence) => flatOf(runOf(1), sequence));
      const late = LATE_DAYS.map((days, index) => lateOf(flatOf(runOf(7), index + 1), days));
      const store = await open();
      await write(store, first);
      const before = (await harness.partitions?.(place)) ?? 0;
      await write(store, late);
      await write(store, late.toReversed());
      await store.close();
      if (harness.partitions !== undefined) expect((await harness.partitions(place)) - before).toBe(LATE_DAYS.length);
      await expectExactly([...first, ...late]);
    });

    test('records with impossible dates stand together, and once', async () => {
      const flats = lostInTimeOf((sequence) => recordIdOf(runOf(5), sequence), LOST_IN_TIME, 20_260_201);
      const store = await open();
      await write(
        store,
        span(1, 20).map((sequence) => flatOf(runOf(1), sequence)),
      );
      const before = (await harness.partitions?.(place)) ?? 0;
      for (let time = 0; time < 2; time += 1) {
        for (let at = 0; at < flats.length; at += 1000) await write(store, flats.slice(at, at + 1000));
      }
      await store.close();
      if (harness.partitions !== undefined) expect((await harness.partitions(place)) - before).toBeLessThanOrEqual(3);
      const ids = (await harness.read(place)).map(({ id }) => id);
      expect(ids.length).toBe(20 + LOST_IN_TIME);
      expect(new Set(ids).size).toBe(20 + LOST_IN_TIME);
    });

    test(`killed ${KILLS} times in the middle of writing, what it confirmed is there, and nothing twice`, async () => {
      let confirmed = 0;
      for (let count = 0; count < KILLS; count += 1) {
        const writer = startRemoteWriter(moduleUrl, place, confirmed + 1);
        confirmed = await writer.confirmedAtLeast(confirmed + 40 * (count + 1));
        await kill(writer.process);
      }
      const ids = (await harness.read(place)).map(({ id }) => id);
      expect(new Set(ids).size).toBe(ids.length);
      const there = new Set(ids);
      expect(span(1, confirmed).filter((sequence) => !there.has(recordIdOf(runOf(KILLED_RUN), sequence)))).toEqual([]);
      const store = await open();
      const all = span(1, ids.length + 100).map((sequence) => flatOf(runOf(KILLED_RUN), sequence));
      await write(store, all);
      await store.close();
      await expectExactly(all);
    });

    test(
      'a store that is killed and comes back has what it confirmed, and the same sink goes on',
      async () => {
        const flats = span(1, 120).map((sequence) => flatOf(runOf(1), sequence));
        const store = await open();
        await write(store, flats.slice(0, 60));
        await engine.restart();
        await untilWritten(store, flats.slice(40));
        await store.close();
        await expectExactly(flats);
      },
      START_MS,
    );

    test('a store that answers nothing: the write rejects by itself, and is repeated when it answers', async () => {
      const flats = span(1, 60).map((sequence) => flatOf(runOf(1), sequence));
      const store = harness.make(place);
      await patient(store).open(never);
      await write(patient(store), flats.slice(0, 20));
      engine.pause();
      try {
        const error = await store.write(flats.map(storeRecordOf)).then(
          () => undefined,
          (reason: unknown) => reason,
        );
        expect(error).toBeInstanceOf(MooringError);
        expect((error as MooringError).retry).toBe('later');
      } finally {
        engine.resume();
      }
      await untilWritten(store, flats);
      await store.close();
      await expectExactly(flats);
    });

    test('what something else has made under its name is refused at the start, in words', async () => {
      await harness.makeUnfit(place);
      const store = patient(harness.make(place));
      const error = await store.open(never).then(
        () => undefined,
        (reason: unknown) => reason,
      );
      await store.close();
      expect(error).toMatchObject({ code: 'SINK_UNFIT', hint: expect.stringMatching(/\w{3}/) });
    });
  });
}

/** The same record, with an event that was so many days before it was received. */
function lateOf(flat: FlatRecord, days: number): FlatRecord {
  return { ...flat, timestamp: new Date(Date.parse(flat.received_at ?? flat.timestamp) - days * DAY_MS).toISOString() };
}

/** As the feed does it: again, as long as the error says so. */
async function untilWritten(store: RemoteStore, flats: readonly FlatRecord[]): Promise<void> {
  for (;;) {
    try {
      expect(await store.write(flats.map(storeRecordOf))).toEqual([]);
      return;
    } catch (error) {
      if (!(error instanceof MooringError) || error.retry !== 'later') throw error;
    }
  }
}
