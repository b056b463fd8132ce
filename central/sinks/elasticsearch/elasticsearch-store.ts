import type { Clock } from '../../../runtime/clock.ts';
import { MooringError } from '../../../runtime/errors.ts';
import type { HttpLogin } from '../http/credentials.ts';
import { HttpStore } from '../http/http-store.ts';
import type { RefusedRecord, RemoteStore, StoreRecord } from '../remote/remote-store.ts';
import { actionOf, BULK_FILTER, type BulkAction, type BulkItem, outcomeOf, reasonOf } from './bulk.ts';
import { ElasticsearchApi } from './elasticsearch-api.ts';
import { endOf, INDEX_PATTERN, type IndexNaming, indexOf, patternsOf } from './index-name.ts';
import { prepare } from './prepare.ts';

export interface ElasticsearchStoreOptions extends IndexNaming {
  readonly name: string;
  readonly url: string;
  readonly login?: HttpLogin;
  /** PEM, in place of the system's authorities. */
  readonly caFile?: string;
  /** Of each request, in milliseconds; 10,000 when left out. */
  readonly deadlineMs?: number;
  readonly clock: Clock;
}

const DEADLINE_MS = 10_000;
/** Indices of one request: their names stand in its first line, of which Elasticsearch reads 4 KiB. */
const SYNCED_AT_ONCE = 20;
/** What of a write the server has no room for is sent again by itself after these times, in milliseconds. */
const AGAIN_MS = [250, 1000, 3000] as const;

/**
 * Elasticsearch, OpenSearch: a document for each record under its id, in plain indices by the date of the event, so that
 * a record goes to the same index however often it comes. The document is the record, and `run` and `sequence`.
 */
export class ElasticsearchStore implements RemoteStore {
  readonly name: string;
  readonly #options: ElasticsearchStoreOptions;
  readonly #http: HttpStore;
  readonly #api: ElasticsearchApi;
  readonly #closing = new AbortController();

  constructor(options: ElasticsearchStoreOptions) {
    this.name = options.name;
    this.#options = options;
    if (!INDEX_PATTERN.test(options.index))
      throw new MooringError('CONFIG_INVALID', 'not the name of an index', {
        context: { store: options.name, index: options.index },
        hint: 'Choose lower-case letters, digits, - and _, beginning with a letter or digit.',
      });
    this.#http = new HttpStore(options);
    this.#api = new ElasticsearchApi(options.name, this.#http);
  }

  async open(signal: AbortSignal): Promise<void> {
    await prepare(this.#api, this.#options.index, signal);
  }

  async write(records: readonly StoreRecord[]): Promise<readonly RefusedRecord[]> {
    const tally: Tally = { refused: [], there: new Set(), again: [] };
    let actions = records.map((record, index) => actionOf(record, index, indexOf(record.flat, this.#options)));
    for (let tries = 0; actions.length > 0; tries += 1) {
      await this.#bulk(actions, tally);
      const again = tally.again.splice(0);
      const [first] = again;
      if (first !== undefined) await this.#wait(tries, again.length, first.reason);
      actions = again.map(({ action }) => action);
    }
    await this.#sync([...tally.there]);
    return tally.refused.sort((a, b) => a.index - b.index);
  }

  /**
   * Deletes the indices whose every event was before `dayMs`, UTC milliseconds; their names, each also as it is gone. Leaves
   * alone what is not of this store, the one of records without a date, and what another copy has deleted by then.
   * Throws `SINK_FAILED`.
   */
  async dropBefore(dayMs: number, onDropped?: (index: string) => void): Promise<readonly string[]> {
    const { index } = this.#options;
    const query = { filter_path: '*.mappings._meta.mooring.schema', ignore_unavailable: 'true' };
    const path = `/${patternsOf(index).join(',')}/_mapping`;
    const ours = await this.#api.json<Readonly<Record<string, unknown>>>({ method: 'GET', path, query });
    const old = Object.keys(ours ?? {}).filter((name) => (endOf(name, index) ?? Number.POSITIVE_INFINITY) <= dayMs);
    const dropped: string[] = [];
    // One by one: what was deleted stays so if the next fails, and no list is too long for an address.
    for (const name of old.sort()) {
      if ((await this.#api.json({ method: 'DELETE', path: `/${name}` })) === undefined) continue;
      dropped.push(name);
      onDropped?.(name);
    }
    return dropped;
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#http.close();
  }

  async #bulk(actions: readonly BulkAction[], tally: Tally): Promise<void> {
    const [first] = actions;
    if (first === undefined) return;
    const answer = await this.#post(actions);
    if (answer.status === 413) {
      if (actions.length === 1) {
        tally.refused.push({ index: first.index, reason: '413: larger than the server takes' });
        return;
      }
      const half = actions.length >>> 1;
      await this.#bulk(actions.slice(0, half), tally);
      await this.#bulk(actions.slice(half), tally);
      return;
    }
    if (answer.status < 200 || answer.status >= 300)
      throw this.#api.error('SINK_FAILED', 'the search engine does not take records', answer);
    const { items = [] } = this.#api.parsed<{ items?: readonly { readonly create?: BulkItem }[] }>(answer);
    if (items.length !== actions.length)
      throw this.#api.error('SINK_FAILED', 'the search engine answered for other records than were sent', undefined, {
        sent: actions.length,
        answered: items.length,
      });
    for (const [at, action] of actions.entries()) count(action, items[at]?.create ?? { status: 0 }, tally);
  }

  async #post(actions: readonly BulkAction[]): ReturnType<HttpStore['ask']> {
    const { deadlineMs = DEADLINE_MS } = this.#options;
    return await this.#http.ask({
      method: 'POST',
      path: '/_bulk',
      // It gives up on a shard that is away before it is given up itself.
      query: { filter_path: BULK_FILTER.join(','), timeout: `${Math.ceil(deadlineMs * 0.8)}ms` },
      contentType: 'application/x-ndjson',
      body: actions.map(({ text }) => text).join(''),
    });
  }

  /** Rejects when it has been sent often enough. */
  async #wait(tries: number, count: number, reason: string): Promise<void> {
    const waitMs = AGAIN_MS[tries];
    if (waitMs === undefined)
      throw this.#api.error('SINK_FAILED', 'the search engine does not take some records', undefined, {
        count,
        reason,
        hint: 'It has no room, its disk is full, or a bound of the cluster is reached; the reason says which.',
      });
    await this.#options.clock.sleep(waitMs, this.#closing.signal).catch((cause: unknown) => {
      throw new MooringError('SINK_FAILED', 'a store was closed while it waited', { cause });
    });
  }

  /**
   * An action that is refused as its id is there waits for no disk: one that was sent before, and whose answer was lost, may
   * still be in memory only.
   */
  async #sync(targets: readonly string[]): Promise<void> {
    for (let at = 0; at < targets.length; at += SYNCED_AT_ONCE) {
      const some = targets.slice(at, at + SYNCED_AT_ONCE);
      const answer = await this.#api.ask({ method: 'POST', path: `/${some.join(',')}/_flush` });
      const isDone = answer.status >= 200 && answer.status < 300;
      if (isDone && (this.#api.parsed<{ _shards?: { failed?: number } }>(answer)._shards?.failed ?? 0) === 0) continue;
      throw this.#api.error('SINK_FAILED', 'the search engine did not bring records to disk', answer, {
        targets: some,
      });
    }
  }
}

/** What has become of a write so far. */
interface Tally {
  readonly refused: RefusedRecord[];
  /** Indices in which some were already. */
  readonly there: Set<string>;
  readonly again: { readonly action: BulkAction; readonly reason: string }[];
}

function count(action: BulkAction, item: BulkItem, tally: Tally): void {
  const outcome = outcomeOf(item);
  if (outcome === 'there') tally.there.add(action.target);
  else if (outcome === 'again') tally.again.push({ action, reason: reasonOf(item) });
  else if (outcome !== 'created') tally.refused.push({ index: action.index, reason: outcome.refused });
}
