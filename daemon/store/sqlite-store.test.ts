import { afterEach, beforeEach, expect, test } from 'vitest';
import { recordIdOf, runIdOf } from '../../protocol/ids.ts';
import type { Observation } from '../../protocol/record.ts';
import { SteppedClock } from '../../sim/clock.ts';
import { event, LABEL, sample, samples } from './fixtures/observations.ts';
import { failure, LIMITS, SAMPLES, Stores, sequences } from './fixtures/stores.ts';
import { openStoreReader } from './reader.ts';
import type { SqliteStore, SqliteStoreOptions } from './sqlite-store.ts';

let stores: Stores;
beforeEach(() => {
  stores = new Stores();
});
afterEach(async () => await stores.remove());

const make = (options?: Partial<SqliteStoreOptions>): SqliteStore => stores.make(options);

test('what was appended is taken as it was, in its order, with its sequence and run', async () => {
  const store = make();
  const { run, salt, previous } = await store.open();
  expect([run, previous]).toEqual([runIdOf('plaka', salt), undefined]);
  const rich: Observation = {
    ...sample(3),
    metrics: {
      temperature: -0.001,
      humidity: 0,
      door_open: false,
      modem_state: 'on é',
      counter: 1.5e300,
      third: 1 / 3,
    },
    flags: { humidity: 3, wind_speed: 9, counter: 4 },
    location: { lat: 42.480778, lon: -3.1768331, alt: -0.5 },
    info: { note: 'a', list: [1, null, { deep: true }] },
  };
  expect(await store.append([sample(1), sample(2)], SAMPLES)).toEqual({ first: 1, last: 2 });
  expect(await store.append([rich], SAMPLES)).toEqual({ first: 3, last: 3 });
  const taken = await store.take('centre', 'live', LIMITS);
  expect(taken).toEqual({
    run,
    salt,
    lane: 'live',
    records: [sample(1), sample(2), rich].map((observation, index) => ({ ...observation, sequence: index + 1 })),
  });
});

test('alarms and events go first, then what is younger than 60 s, then the rest from the oldest on', async () => {
  const clock = new SteppedClock();
  const store = make({ clock });
  await store.open();
  await store.append(samples(1, 3), SAMPLES);
  await store.append([event(4)], SAMPLES);
  await store.append([sample(5)], { urgent: true });
  clock.stall(59_999);
  await store.append(samples(6, 7), SAMPLES);
  expect(sequences(await store.take('centre', 'backlog', LIMITS))).toEqual([]);
  clock.stall(1);
  expect(sequences(await store.take('centre', 'backlog', { ...LIMITS, recordsMax: 2 }))).toEqual([1, 2]);
  expect(sequences(await store.take('centre', 'live', LIMITS))).toEqual([6, 7]);
  expect(sequences(await store.take('centre', 'urgent', LIMITS))).toEqual([4, 5]);
  expect(sequences(await store.take('centre', 'backlog', LIMITS))).toEqual([3]);
  for (const lane of ['urgent', 'live', 'backlog'] as const) {
    expect(await store.take('centre', lane, LIMITS)).toBeUndefined();
  }
});

test('what is in flight, held or settled is not taken again; what is released is; a restart sends all but the settled', async () => {
  const store = make();
  const first = await store.open();
  await store.append(samples(1, 10), SAMPLES);
  await store.take('centre', 'live', LIMITS);
  await store.hold('centre', first.salt, [[1, 2]]);
  expect(await store.settle('centre', first.salt, [[2, 4]])).toBe(3);
  expect(await store.settle('centre', first.salt, [[2, 4]])).toBe(0);
  await store.release('centre', first.salt, [[4, 7]]);
  expect(sequences(await store.take('centre', 'live', LIMITS))).toEqual([5, 6, 7]);
  expect((await store.stats()).forwarders).toEqual({
    centre: { pending: 7, inFlight: 6, held: 1, oldestTimestampMs: sample(1).timestampMs },
  });
  await store.close();

  const again = make();
  const { previous } = await again.open();
  expect(previous).toBe(recordIdOf(first.run, 10));
  const taken = await again.take('centre', 'backlog', LIMITS);
  expect(taken?.run).toBe(first.run);
  expect(sequences(taken)).toEqual([1, 5, 6, 7, 8, 9, 10]);
});

test('a batch holds rows of one run, and no more than its bounds', async () => {
  const store = make();
  await store.open();
  await store.append(samples(1, 5), SAMPLES);
  await store.close();
  const again = make();
  await again.open();
  const wide = (number: number): Observation => ({
    ...sample(number),
    metrics: Object.fromEntries(Array.from({ length: 30 }, (_, index) => [`metric_${index}`, number])),
  });
  for (let number = 0; number < 600; number += 100) {
    await again.append(
      Array.from({ length: 100 }, (_, index) => wide(number + index)),
      SAMPLES,
    );
  }
  expect(sequences(await again.take('centre', 'backlog', LIMITS))).toEqual([1, 2, 3, 4, 5]);
  const taken = await again.take('centre', 'live', { ...LIMITS, bytesMax: 2 ** 30 });
  expect(taken?.records.length).toBe(Math.floor(16_384 / 30));
  // One row is given however little is asked for.
  const next = await again.take('centre', 'live', { ...LIMITS, bytesMax: 1 });
  expect(sequences(next)).toEqual([Math.floor(16_384 / 30) + 1]);
});

test('a refused record fails its own append only, and takes no sequence', async () => {
  const store = make();
  await store.open();
  const text = 'x'.repeat(128);
  const tooLarge = { ...sample(2), metrics: Object.fromEntries([...'abcdefgh'].map((name) => [name, text])) };
  const outcomes = await Promise.allSettled([
    store.append([sample(1)], SAMPLES),
    store.append([sample(2), { ...sample(2), metrics: { temperature: Number.NaN } }], SAMPLES),
    store.append([tooLarge], SAMPLES),
    store.append([{ ...event(3), info: { note: 'x'.repeat(2000) } }], SAMPLES),
    store.append([sample(4)], SAMPLES),
  ]);
  expect(outcomes.map((outcome) => (outcome.status === 'fulfilled' ? outcome.value : outcome.reason.code))).toEqual([
    { first: 1, last: 1 },
    'RECORD_INVALID',
    'RECORD_TOO_LARGE',
    'RECORD_TOO_LARGE',
    { first: 2, last: 2 },
  ]);
});

test('a rejected record settles, and a gap record says which and why', async () => {
  const store = make();
  const { salt } = await store.open();
  await store.append(samples(1, 4), SAMPLES);
  expect(
    await store.reject(
      'centre',
      salt,
      [
        [2, 3],
        [9, 9],
      ],
      'metric_type',
    ),
  ).toBe(2);
  expect(await store.reject('centre', salt, [[2, 3]], 'metric_type')).toBe(0);
  const taken = await store.take('centre', 'urgent', LIMITS);
  const run = Buffer.from(salt).toString('hex');
  const info = { run, ranges: [[2, 3]], count: 2, reason: 'rejected', code: 'metric_type' };
  expect(taken?.records).toEqual([
    { sequence: 5, station: '_gateway', kind: 'gap', ...LABEL, metrics: {}, flags: {}, info },
  ]);
});

test('an acknowledgement of what never was frees nothing', async () => {
  const store = make();
  const { salt } = await store.open();
  await store.append(samples(1, 2), SAMPLES);
  expect(await store.settle('centre', new Uint8Array(16), [[1, 2]])).toBe(0);
  expect(await store.settle('centre', salt, [[3, 2 ** 48 - 1]])).toBe(0);
  expect((await store.stats()).forwarders.centre?.pending).toBe(2);
});

test('lingering records share a commit; an urgent one commits at once and takes them along', async () => {
  const clock = new SteppedClock();
  const store = make({ clock, lingerMs: 10_000 });
  await store.open();
  const answered: number[] = [];
  const append = async (observation: Observation): Promise<void> => {
    answered.push((await store.append([observation], SAMPLES)).first);
  };
  const first = append(sample(1));
  await clock.advance(9999);
  const second = append(sample(2));
  expect((await store.stats()).records).toBe(0);
  await clock.advance(1);
  await Promise.all([first, second]);
  expect(answered).toEqual([1, 2]);
  const third = append(sample(3));
  await store.stats();
  expect(answered).toEqual([1, 2]);
  expect(await store.append([event(4)], SAMPLES)).toEqual({ first: 4, last: 4 });
  await third;
  expect(answered).toEqual([1, 2, 3]);
  expect(clock.pendingTimers).toBe(0);
});

test('a linger ends when it is told to, and when very many wait', async () => {
  const clock = new SteppedClock();
  const store = make({ clock, lingerMs: 60_000 });
  await store.open();
  const first = store.append([sample(1)], SAMPLES);
  await store.flush();
  expect(await first).toEqual({ first: 1, last: 1 });
  const many = samples(2, 1001).map(async (observation) => await store.append([observation], SAMPLES));
  expect((await many.at(-1))?.last).toBe(1001);
  expect(clock.pendingTimers).toBe(0);
});

test('a few settled rows wait for a record to take them along, many do not', async () => {
  const clock = new SteppedClock();
  const store = make({ clock, settleGatherMs: 1000 });
  const { salt } = await store.open();
  await store.append(samples(1, 200), SAMPLES);
  const few = store.settle('centre', salt, [[1, 5]]);
  expect((await store.stats()).forwarders.centre?.pending).toBe(200);
  await store.append([sample(201)], SAMPLES);
  expect(await few).toBe(5);
  expect(await store.settle('centre', salt, [[6, 100]])).toBe(95);
  const late = store.settle('centre', salt, [[101, 101]]);
  await clock.advance(1000);
  expect(await late).toBe(1);
  const closing = store.settle('centre', salt, [[102, 102]]);
  await store.close();
  expect(await closing).toBe(1);
});

test('what is settled counts before what is asked next about the same rows', async () => {
  const store = make({ clock: new SteppedClock(), settleGatherMs: 1000 });
  const { salt } = await store.open();
  await store.append(samples(1, 3), SAMPLES);
  await store.take('centre', 'live', LIMITS);
  const settled = store.settle('centre', salt, [[1, 2]]);
  await store.release('centre', salt, [[1, 3]]);
  expect(sequences(await store.take('centre', 'live', LIMITS))).toEqual([3]);
  expect(await settled).toBe(2);
});

test('a second store at the same place is refused, until the first is closed', async () => {
  const store = make();
  await store.open();
  expect((await failure(make().open())).code).toBe('STORE_IN_USE');
  await store.close();
  await make().open();
});

test('after close everything is refused, and what waited was committed', async () => {
  const clock = new SteppedClock();
  const store = make({ clock, lingerMs: 60_000 });
  await store.open();
  const waiting = store.append([sample(1)], SAMPLES);
  await store.close();
  expect(await waiting).toEqual({ first: 1, last: 1 });
  expect((await failure(store.append([sample(2)], SAMPLES))).code).toBe('STORE_CLOSED');
  expect((await failure(store.stats())).code).toBe('STORE_CLOSED');
  expect(openStoreReader(stores.path).runs()[0]?.last).toBe(1);
});

test('the name of the gateway may change once nothing is left to send under the old one', async () => {
  const store = make();
  const { salt } = await store.open();
  await store.append(samples(1, 2), SAMPLES);
  await store.close();
  const other = make({ gateway: 'medes' });
  const error = await failure(other.open());
  expect([error.code, error.context.other, error.context.count]).toEqual(['STORE_OTHER_GATEWAY', 'plaka', 2]);
  const old = make();
  await old.open();
  await old.settle('centre', salt, [[1, 2]]);
  await old.close();
  const renamed = make({ gateway: 'medes', forwarders: ['centre', 'spare'] });
  const { run, salt: newSalt } = await renamed.open();
  expect(run).toBe(runIdOf('medes', newSalt));
  await renamed.append([sample(3)], SAMPLES);
  const { forwarders } = await renamed.stats();
  expect([forwarders.centre?.pending, forwarders.spare?.pending]).toEqual([1, 1]);
  const reader = openStoreReader(stores.path);
  expect(reader.runs('spare').map(({ acked }) => acked)).toEqual([[], []]);
  reader.close();
});

test('a new forwarder begins at the oldest row; one that left holds nothing, and goes on from there when it is back', async () => {
  const store = make();
  const { salt } = await store.open();
  await store.append(samples(1, 4), SAMPLES);
  await store.settle('centre', salt, [[1, 2]]);
  await store.close();
  const moved = make({ forwarders: ['spare'] });
  await moved.open();
  expect(Object.entries((await moved.stats()).forwarders).map(([name, { pending }]) => [name, pending])).toEqual([
    ['spare', 4],
  ]);
  await moved.close();
  const back = make({ forwarders: ['centre', 'spare'] });
  await back.open();
  expect(sequences(await back.take('centre', 'backlog', LIMITS))).toEqual([3, 4]);
});

test('that a forwarder holds rows no more is said with the first record, by the start that came so far', async () => {
  const start = async (forwarders: readonly string[], appends: boolean): Promise<void> => {
    const store = make({ forwarders });
    await store.open();
    if (appends) await store.append([event(1)], SAMPLES);
    await store.close();
  };
  await start(['centre', 'spare'], false);
  await start(['centre'], false);
  await start(['centre'], true);
  await start(['centre'], true);
  const store = make();
  await store.open();
  const events = [];
  for (let taken = await store.take('centre', 'urgent', LIMITS); taken !== undefined; ) {
    events.push(taken.records.map(({ info }) => info?.event));
    taken = await store.take('centre', 'urgent', LIMITS);
  }
  expect(events).toEqual([['config', 'forwarder_retired'], ['config']]);
});

test('without a forwarder everything is history', async () => {
  const store = make({ forwarders: [] });
  await store.open();
  await store.append(samples(1, 4), SAMPLES);
  expect(await store.stats()).toMatchObject({ records: 4, forwarders: {} });
  const reader = openStoreReader(stores.path);
  expect(reader.forwarders).toEqual([]);
  expect(reader.runs()).toMatchObject([{ last: 4, unsettled: [], acked: [] }]);
  reader.close();
});

test('an urgent record does not wait for a timer that is late', async () => {
  const clock = new SteppedClock();
  const store = make({ clock, lingerMs: 1000 });
  await store.open();
  const waiting = store.append([sample(1)], SAMPLES);
  clock.stall(5000);
  expect(await store.append([event(2)], SAMPLES)).toEqual({ first: 2, last: 2 });
  expect(await waiting).toEqual({ first: 1, last: 1 });
});
