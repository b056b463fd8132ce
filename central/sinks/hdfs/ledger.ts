import { isRunId, type RunId } from '../../../protocol/ids.ts';
import { IntervalSet, type Range } from '../../../protocol/intervals.ts';
import { unhashed, withHash } from '../hashed-json.ts';
import { eventDayOf } from '../remote/event-date.ts';
import type { StoreRecord } from '../remote/remote-store.ts';

const VERSION = 1;
/** Ids of existing devices that are kept in memory beside those of the date asked for last. */
const IDS_MAX = 1_000_000;

/** The ids of existing devices that files of a date have. */
export type IdsOfDate = (date: string) => Promise<Iterable<string>>;

/**
 * Which records are there. Those of a gateway by run and sequence, for all time; those of existing devices by id, a date of
 * events at a time, as their ids say nothing of their order.
 */
export class Ledger {
  readonly #runs: Map<RunId, IntervalSet>;
  readonly #idsOfDate: IdsOfDate;
  /** Date → ids in files, as far as they were asked for; the one asked for last is the last. */
  readonly #filed = new Map<string, Set<string>>();
  /** Date → ids that are in no file yet. */
  readonly #logged = new Map<string, Set<string>>();

  constructor(idsOfDate: IdsOfDate, runs: ReadonlyMap<RunId, IntervalSet> = new Map()) {
    this.#idsOfDate = idsOfDate;
    this.#runs = new Map(runs);
  }

  /** Those that are not there, each once. */
  async fresh(records: readonly StoreRecord[]): Promise<StoreRecord[]> {
    const found = new Map<string, StoreRecord>();
    for (const record of records)
      if (!found.has(record.flat.id) && !(await this.#has(record))) found.set(record.flat.id, record);
    this.#forget();
    return [...found.values()];
  }

  /** It stands in the log. */
  add({ flat, place }: StoreRecord): void {
    if (place === undefined) {
      const date = eventDayOf(flat);
      const ids = this.#logged.get(date) ?? new Set();
      this.#logged.set(date, ids.add(compact(flat.id)));
      return;
    }
    const sequences = this.#runs.get(place.run) ?? new IntervalSet();
    sequences.add(place.sequence);
    this.#runs.set(place.run, sequences);
  }

  /** All that stood in the log stands in files. */
  filed(): void {
    for (const [date, ids] of this.#logged) {
      const known = this.#filed.get(date);
      if (known !== undefined) for (const id of ids) known.add(id);
    }
    this.#logged.clear();
  }

  /** The runs, as `parseLedger` reads them. */
  text(): string {
    const runs = Object.fromEntries([...this.#runs].map(([run, sequences]) => [run, sequences.ranges()]));
    return withHash(JSON.stringify({ version: VERSION, runs }));
  }

  async #has({ flat, place }: StoreRecord): Promise<boolean> {
    if (place !== undefined) return this.#runs.get(place.run)?.has(place.sequence) ?? false;
    const date = eventDayOf(flat);
    const id = compact(flat.id);
    return (this.#logged.get(date)?.has(id) ?? false) || (await this.#filedOf(date)).has(id);
  }

  async #filedOf(date: string): Promise<ReadonlySet<string>> {
    let ids = this.#filed.get(date);
    if (ids === undefined) {
      ids = new Set();
      for (const id of await this.#idsOfDate(date)) ids.add(compact(id));
    } else if ([...this.#filed.keys()].at(-1) === date) return ids;
    this.#filed.delete(date);
    this.#filed.set(date, ids);
    return ids;
  }

  #forget(): void {
    let count = 0;
    for (const ids of this.#filed.values()) count += ids.size;
    for (const [date, ids] of this.#filed) {
      if (count <= IDS_MAX || this.#filed.size === 1) return;
      this.#filed.delete(date);
      count -= ids.size;
    }
  }
}

/** The runs of a ledger; undefined for anything that is none. */
export function parseLedger(text: string): ReadonlyMap<RunId, IntervalSet> | undefined {
  const json = unhashed(text);
  if (json === undefined) return undefined;
  const { version, runs } = JSON.parse(json) as { version: number; runs: Record<RunId, Range[]> };
  if (version !== VERSION || !Object.keys(runs).every(isRunId)) return undefined;
  return new Map(Object.entries(runs).map(([run, ranges]) => [run, new IntervalSet(ranges)]));
}

/** A UUID as 16 characters: a third of the memory. */
function compact(id: string): string {
  const hex = id.replaceAll('-', '');
  return /^[0-9a-f]{32}$/.test(hex) ? Buffer.from(hex, 'hex').toString('latin1') : id;
}
