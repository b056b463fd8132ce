import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { ElasticsearchStore } from '../../central/sinks/elasticsearch/elasticsearch-store.ts';
import { recordIdOf } from '../../protocol/ids.ts';
import { systemClock } from '../../runtime/clock.ts';
import { flatOf, runOf, span } from '../conformance/entries.ts';
import { patient } from '../conformance/patient-store.ts';
import { foreignOf, storeRecordOf } from '../conformance/remote-records.ts';
import { describeRemoteStore, type Engine, type RemoteHarness } from '../conformance/remote-store.ts';
import type { OpenSearchMajor } from './opensearch.ts';
import { ask, harnessOf, hitsOf, placeOf, refresh } from './opensearch-harness.ts';

const never = new AbortController().signal;
const START_MS = 300_000;
const TEST_MS = 300_000;

/** The suite of every store, and what only a search engine does, on that version. */
export function describeSearchEngine(major: OpenSearchMajor): void {
  const harness = harnessOf(major);
  const name = `opensearch ${major}`;
  describeRemoteStore(name, harness, new URL('./opensearch-harness.ts', import.meta.url).href);
  describe(`what only a search engine does, ${name}`, { timeout: TEST_MS }, () => describeSearches(harness));
}

function describeSearches(harness: RemoteHarness): void {
  let engine: Engine;
  let place = '';
  beforeAll(async () => {
    engine = await harness.start();
  }, START_MS);
  afterAll(() => engine?.stop(), START_MS);
  beforeEach(async () => {
    place = await engine.newPlace();
  });

  const store = (period: 'day' | 'month' = 'day'): ElasticsearchStore =>
    new ElasticsearchStore({ ...placeOf(place), name: 'search', period, clock: systemClock });
  const indices = async (): Promise<string[]> => Object.keys(await ask(place, 'GET', '*/_alias')).sort();
  const idsOf = async (query: object): Promise<string[]> => {
    await refresh(place);
    const { hits } = await ask<{ hits: { hits: { _id: string }[] } }>(place, 'POST', '*/_search', { size: 100, query });
    return hits.hits.map(({ _id }) => _id).sort();
  };

  test('finds records by place, time, flag, alarm and what a registry says; texts and numbers of any name have their type', async () => {
    const run = runOf(1);
    const base = { ...flatOf(run, 7), info: {}, received_at: '2026-02-01T00:00:00.000Z' };
    const flats = [
      { ...base, id: recordIdOf(run, 1), location: { lat: 43.1, lon: 6.2, alt: -3 }, x_speed: 3, kind: 'sample' },
      { ...base, id: recordIdOf(run, 2), location: { lat: 146.5, lon: 6.2 }, x_speed: 2.5, flags: { humidity: 4 } },
      { ...base, id: recordIdOf(run, 3), kind: 'alarm', info: { alarm: 'hot', value: { a: [1] }, deep: { a: 'x' } } },
      {
        ...foreignOf(1),
        x_speed: 'n/a',
        x_text: 'two words',
        timestamp: base.timestamp,
        received_at: base.received_at,
      },
    ];
    const search = store();
    await patient(search).open(never);
    expect(await patient(search).write(flats.map(storeRecordOf))).toEqual([]);
    await search.close();
    const [one = '', two = '', three = '', four = ''] = flats.map(({ id }) => id);
    const around = { distance: '20km', '@position': { lat: 43, lon: 6.2 } };
    expect(await idsOf({ geo_distance: around })).toEqual([one]);
    expect(await idsOf({ range: { x_speed: { gt: 2.4, lt: 2.6 } } })).toEqual([two]);
    expect(await idsOf({ term: { 'flags.humidity': 4 } })).toEqual([two]);
    expect(await idsOf({ term: { 'info.alarm': 'hot' } })).toEqual([three]);
    expect(await idsOf({ term: { 'info.tags.institute': 'Via Vasca Navale' } })).toEqual([four]);
    expect(await idsOf({ term: { x_text: 'two words' } })).toEqual([four]);
    expect(await idsOf({ range: { '@timestamp': { gte: base.timestamp, lte: base.timestamp } } })).toHaveLength(4);
    // What cannot be read as a number, or as a place, is there all the same.
    expect((await hitsOf(place)).map(({ _source }) => _source.x_speed).sort()).toEqual([2.5, 3, 'n/a', undefined]);
  });

  test('old indices are dropped with all their records, by day and by month; others are left alone', async () => {
    const { index, url } = placeOf(place);
    const days = ['2026-01-30', '2026-01-31', '2026-02-01', '1970-01-01'];
    const records = days.map((day, at) =>
      storeRecordOf({ ...foreignOf(at), timestamp: `${day}T23:59:59.999Z`, received_at: '2026-02-01T12:00:00.000Z' }),
    );
    const search = store();
    await patient(search).open(never);
    await patient(search).write(records);
    await fetch(`${url}/${index}-2020.01.01x`, { method: 'PUT' });
    expect(await search.dropBefore(Date.UTC(2026, 0, 30, 23, 59, 59, 999))).toEqual([]);
    expect(await search.dropBefore(Date.UTC(2026, 0, 31))).toEqual([`${index}-2026.01.30`]);
    expect(await search.dropBefore(Date.UTC(2026, 0, 31))).toEqual([]);
    const left = ['2020.01.01x', '2026.01.31', '2026.02.01', 'undated'].map((end) => `${index}-${end}`);
    expect(await indices()).toEqual(left);
    await search.close();
    const monthly = store('month');
    await patient(monthly).open(never);
    await patient(monthly).write(records);
    expect(await monthly.dropBefore(Date.UTC(2026, 1, 1))).toEqual([`${index}-2026.01`, `${index}-2026.01.31`]);
    await monthly.close();
  });

  test('an index template of something else, and one of a later version, are refused', async () => {
    const { index, url } = placeOf(place);
    for (const _meta of [{}, { mooring: { schema: 99 } }]) {
      const answer = await fetch(`${url}/_index_template/${index}`, {
        method: 'PUT',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ index_patterns: [`${index}-*`], _meta }),
      });
      expect(answer.status).toBe(200);
      const search = store();
      await expect(patient(search).open(never)).rejects.toMatchObject({
        code: 'SINK_UNFIT',
        hint: expect.stringMatching(/\w{3}/),
      });
      await search.close();
    }
  });

  test('a second sink whose names are among those of the first is refused, and says so', async () => {
    const first = store();
    await patient(first).open(never);
    await first.close();
    const { url, index } = placeOf(place);
    const options = { name: 'second', url, index: `${index}-b`, period: 'day', clock: systemClock } as const;
    const second = new ElasticsearchStore(options);
    await expect(patient(second).open(never)).rejects.toMatchObject({
      code: 'SINK_UNFIT',
      context: { reason: expect.stringContaining(index) },
    });
    await second.close();
  });

  test('an index that takes no writes for now is no fault of a record: all come again', async () => {
    const { index, url } = placeOf(place);
    const records = span(1, 3).map((sequence) => storeRecordOf(flatOf(runOf(1), sequence)));
    const search = store();
    await patient(search).open(never);
    await patient(search).write(records.slice(0, 1));
    const [name = ''] = await indices();
    expect(name.startsWith(index)).toBe(true);
    const block = async (isBlocked: boolean): Promise<void> => {
      await fetch(`${url}/${name}/_settings`, {
        method: 'PUT',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ 'index.blocks.read_only_allow_delete': isBlocked || null }),
      });
    };
    await block(true);
    await expect(search.write(records)).rejects.toMatchObject({
      code: 'SINK_FAILED',
      retry: 'later',
      context: { reason: expect.stringContaining('block') },
    });
    await block(false);
    expect(await patient(search).write(records)).toEqual([]);
    await search.close();
    expect(await hitsOf(place)).toHaveLength(3);
  });
}
