import type { RunId } from '../../protocol/ids.ts';
import type { Range } from '../../protocol/intervals.ts';
import { MooringError } from '../../runtime/errors.ts';
import { type Db, guarded, openForReading } from './connection.ts';
import { type IntervalState, NO_FORWARDER } from './interval-table.ts';
import { intersect, subtract } from './range-lists.ts';
import { RunTable, sequencesOf } from './run-table.ts';

/** What a store knows of a run, towards one forwarder. */
export interface StoredRun {
  readonly run: RunId;
  readonly gateway: string;
  /** The highest sequence that the store ever committed. */
  readonly last: number;
  readonly unsettled: readonly Range[];
  /** Settled because the centre has them: rejected ones are not among them. */
  readonly acked: readonly Range[];
}

export interface StoreReader {
  /** Forwarders that hold rows. */
  readonly forwarders: readonly string[];
  /**
   * The runs that have committed anything, oldest first, towards one forwarder; it may be left out where there is no more
   * than one.
   */
  runs(forwarder?: string): readonly StoredRun[];
  close(): void;
}

/**
 * Opens a store read only, whether or not a gateway has it open. Throws a `MooringError`: `STORE_DAMAGED` where it is no
 * store, `STORE_NEWER_SCHEMA`, or `STORE_FAILED` where it cannot be read.
 */
export function openStoreReader(path: string): StoreReader {
  const db = openForReading(path);
  return {
    forwarders: guarded(path, () => activeForwarders(db).map(([, name]) => name)),
    runs: (forwarder) => guarded(path, () => db.transaction(() => runsOf(db, path, forwarder))()),
    close: () => db.close(),
  };
}

function runsOf(db: Db, path: string, forwarder: string | undefined): StoredRun[] {
  const active = activeForwarders(db);
  const chosen = forwarder === undefined ? active : active.filter(([, name]) => name === forwarder);
  if (chosen.length > 1 || (forwarder !== undefined && chosen.length === 0)) {
    throw new MooringError('STORE_FAILED', `has no one forwarder ${forwarder ?? ''}`.trimEnd(), { context: { path } });
  }
  const number = chosen[0]?.[0];
  const gone = intervalsOf(db, 'gone', NO_FORWARDER);
  const newest = Number(db.prepare('SELECT max(row) FROM records').pluck().get() ?? 0);
  const lastRow = Math.max(newest, gone.at(-1)?.[1] ?? 0);
  const settled = number === undefined ? [] : intervalsOf(db, 'settled', number);
  const acked = number === undefined ? [] : subtract(settled, intervalsOf(db, 'waived', number));
  const table = new RunTable(db);
  return table.all.flatMap((run) => {
    const ever = table.rowsOf(run, lastRow);
    if (ever === undefined) return [];
    const unsettled = number === undefined ? [] : subtract(subtract([ever], gone), settled);
    return [
      {
        run: run.run,
        gateway: run.gateway,
        last: ever[1] - ever[0] + 1,
        unsettled: sequencesOf(run, unsettled),
        acked: sequencesOf(run, intersect(acked, [ever])),
      },
    ];
  });
}

function activeForwarders(db: Db): [number: number, name: string][] {
  const rows = db.prepare('SELECT forwarder, name FROM forwarders WHERE active = 1 ORDER BY name').raw().all();
  return rows as [number, string][];
}

function intervalsOf(db: Db, state: IntervalState, forwarder: number): Range[] {
  const select = db.prepare('SELECT first, last FROM intervals WHERE state = ? AND forwarder = ? ORDER BY first').raw();
  return select.all(state, forwarder) as Range[];
}
