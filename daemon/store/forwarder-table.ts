import { countOf } from '../../protocol/intervals.ts';
import { MooringError } from '../../runtime/errors.ts';
import type { Db } from './connection.ts';
import { Cursor } from './cursor.ts';
import { intersect } from './range-lists.ts';
import type { RunTable } from './run-table.ts';
import type { StoredRows } from './stored-rows.ts';

interface ForwarderRow {
  readonly forwarder: number;
  readonly name: string;
  readonly active: number;
}

const SELECT = 'SELECT forwarder, name, active FROM forwarders ORDER BY forwarder';

/**
 * Makes the store's forwarders those of the configuration, inside the caller's transaction. One that left stops holding
 * rows, and goes on from there should it come back; a new one begins at the oldest row there is. Returns which have left.
 */
export function configureForwarders(
  db: Db,
  names: readonly string[],
  gateway: string,
  rows: StoredRows,
  runs: RunTable,
): string[] {
  const known = db.prepare(SELECT).all() as ForwarderRow[];
  const retired = known.filter(({ name, active }) => active === 1 && !names.includes(name)).map(({ name }) => name);
  const setActive = db.prepare('UPDATE forwarders SET active = ? WHERE name = ?');
  for (const name of retired) {
    setActive.run(0, name);
    rows.cursors.delete(name);
  }
  let next = Math.max(0, ...known.map(({ forwarder }) => forwarder)) + 1;
  for (const name of names) {
    if (rows.cursors.has(name)) continue;
    const old = known.find((row) => row.name === name);
    const number = old?.forwarder ?? next++;
    if (old === undefined) db.prepare('INSERT INTO forwarders VALUES (?, ?, 1)').run(number, name);
    else setActive.run(1, name);
    const cursor = new Cursor(db, name, number, rows.urgent);
    cursor.load(rows.present());
    waiveForeign(cursor, gateway, rows, runs);
    rows.cursors.set(name, cursor);
  }
  return retired;
}

/** Takes up the forwarders that held rows when the store was last open. */
export function restoreForwarders(db: Db, rows: StoredRows): void {
  for (const { forwarder, name, active } of db.prepare(SELECT).all() as ForwarderRow[]) {
    if (active !== 1) continue;
    const cursor = new Cursor(db, name, forwarder, rows.urgent);
    cursor.load(rows.present());
    rows.cursors.set(name, cursor);
  }
}

/**
 * Throws `STORE_OTHER_GATEWAY` where a forwarder has still to send rows of another gateway's runs: under this name the
 * centre would take them for other records.
 */
export function refuseOtherGateway(path: string, gateway: string, rows: StoredRows, runs: RunTable): void {
  const unsettled = rows.unsettled();
  for (const run of runs.all) {
    const ever = run.gateway === gateway ? undefined : runs.rowsOf(run, rows.lastRow);
    const count = ever === undefined ? 0 : countOf(intersect(unsettled, [ever]));
    if (count === 0) continue;
    throw new MooringError('STORE_OTHER_GATEWAY', `the store has ${count} records of gateway ${run.gateway} to send`, {
      context: { path, gateway, other: run.gateway, count },
      hint: `Start it as ${run.gateway} until they are sent, or move the file aside.`,
    });
  }
}

/** Records of another gateway's runs are history only: under this gateway's name they would be other records. */
function waiveForeign(cursor: Cursor, gateway: string, rows: StoredRows, runs: RunTable): void {
  for (const run of runs.all) {
    const ever = run.gateway === gateway ? undefined : runs.rowsOf(run, rows.lastRow);
    if (ever !== undefined) cursor.waive(...ever);
  }
}
