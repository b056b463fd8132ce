/** OpenSearch under the suite of stores that run elsewhere. */
import type { FlatRecord } from '../../central/recordlog/recordlog.ts';
import { ElasticsearchStore } from '../../central/sinks/elasticsearch/elasticsearch-store.ts';
import { lastQuery, MISSING_WINDOW, missingQuery } from '../../central/sinks/elasticsearch/missing.ts';
import { systemClock } from '../../runtime/clock.ts';
import { flatOf, runOf } from '../conformance/entries.ts';
import type { RemoteHarness } from '../conformance/remote-store.ts';
import { engineOf } from './local-server.ts';
import { OpenSearch, type OpenSearchMajor } from './opensearch.ts';

interface Place {
  readonly url: string;
  readonly index: string;
}

interface Hit {
  readonly _index: string;
  readonly _id: string;
  readonly _source: FlatRecord & { readonly [added: string]: unknown };
}

/** Long enough for a machine that is busy with a start, short enough for the suite. */
const DEADLINE_MS = 15_000;
const PAGE = 5000;

/** The harness of a version. */
export function harnessOf(major: OpenSearchMajor): RemoteHarness {
  return {
    async start() {
      const node = await OpenSearch.start(major);
      return engineOf(node, (number): Place => ({ url: node.url, index: `place-${number}` }));
    },
    make(place) {
      return new ElasticsearchStore({
        ...placeOf(place),
        name: 'search',
        period: 'day',
        deadlineMs: DEADLINE_MS,
        clock: systemClock,
      });
    },
    read: async (place) =>
      (await hitsOf(place)).map(({ _source: { run, sequence, '@position': at, ...flat } }) => flat),
    async remove(place, ids) {
      await refresh(place);
      await ask(place, 'POST', '*/_delete_by_query?refresh=true', { query: { ids: { values: ids } } });
    },
    async missing(place, run) {
      await refresh(place);
      const { value } = (await search<{ last: { value: number | null } }>(place, lastQuery(run))).last;
      const missing: number[] = [];
      for (let first = 1; first <= (value ?? 0); first += MISSING_WINDOW) {
        const found = await search<{ missing: { buckets: { key: number }[] } }>(
          place,
          missingQuery(run, first, value ?? 0),
        );
        missing.push(...found.missing.buckets.map(({ key }) => key));
      }
      return missing;
    },
    partitions: async (place) => Object.keys(await ask(place, 'GET', '*/_alias')).length,
    async makeUnfit(place) {
      await ask(place, 'PUT', '2026.02.01', { mappings: { properties: { temperature: { type: 'keyword' } } } });
    },
    // A value that is not of its field's type is kept and not indexed; what should be an object has to be one.
    poison: [
      { ...flatOf(runOf(1), 1000), location: 'at sea' },
      { ...flatOf(runOf(1), 1001), flags: 'humidity' },
      { ...flatOf(runOf(1), 1002), '': 5 },
    ],
  };
}

export const harness = harnessOf(2);

export function placeOf(place: string): Place {
  return JSON.parse(place) as Place;
}

/** What the server answers below `<index>-`; throws for a status of an error. */
export async function ask<T extends object = object>(
  place: string,
  method: string,
  below: string,
  body?: object | string,
): Promise<T> {
  const { url, index } = placeOf(place);
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const answer = await fetch(`${url}/${index}-${below}`, {
    method,
    headers: { 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: text }),
  });
  const said = await answer.text();
  if (!answer.ok) throw new Error(`${method} ${below}: ${answer.status} ${said}`);
  return JSON.parse(said) as T;
}

/** So that a search sees what was written. */
export async function refresh(place: string): Promise<void> {
  await ask(place, 'POST', '*/_refresh');
}

/** Aggregations. */
export async function search<T>(place: string, body: object | string): Promise<T> {
  return (await ask<{ aggregations: T }>(place, 'POST', '*/_search', body)).aggregations;
}

export async function hitsOf(place: string): Promise<Hit[]> {
  await refresh(place);
  const hits: Hit[] = [];
  const { url } = placeOf(place);
  type Page = { _scroll_id: string; hits: { hits: Hit[] } };
  let page = await ask<Page>(place, 'POST', '*/_search?scroll=1m', { size: PAGE });
  while (page.hits.hits.length > 0) {
    hits.push(...page.hits.hits);
    const next = await fetch(`${url}/_search/scroll`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ scroll: '1m', scroll_id: page._scroll_id }),
    });
    page = (await next.json()) as Page;
  }
  return hits;
}
