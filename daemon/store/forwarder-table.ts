import { countOf, type Range } from '../../protocol/intervals.ts';
import { GATEWAY_STATION, type Observation } from '../../protocol/record.ts';
import { MooringError } from '../../runtime/errors.ts';
import type { Db } from './connection.ts';
import { Cursor } from './cursor.ts';
import type { GapDeclaration } from './gap.ts';
import { intersect } from './range-lists.ts';
import { type RunTable, saltText, sequencesOf } from './run-table.ts';
import type { StoredRows } from './stored-rows.ts';

interface ForwarderRow {
  readonly forwarder: number;
  readonly name: string;
  readonly active: number;
}

const SELECT = 'SELECT forwarder, name, active FROM forwarders ORDER BY forwarder';

/** What the configuration changes about who holds rows. */
export interface ForwarderChanges {
  /** Held rows until now, and hold none any more. */
  readonly retired: readonly string[];
  /** Begin to hold rows, and will never have those that gave way before. Others who begin have begun. */
  readonly begun: readonly { readonly cursor: Cursor; readonly missed: readonly Range[] }[];
}

/**
 * Makes the store's forwarders those of the configuration. One that left stops holding rows, and goes on from there should
 * it come back; a new one begins at the oldest row there is. Durable only when the caller has confirmed the changes: with
 * the records that say so, in one transaction.
 */
export function configureForwarders(
  db: Db,
  names: readonly string[],
  gateway: string,
  rows: StoredRows,
  runs: RunTable,
): ForwarderChanges {
  const known = db.prepare(SELECT).all() as ForwarderRow[];
  const retired = known.filter(({ name, active }) => active === 1 && !names.includes(name)).map(({ name }) => name);
  for (const name of retired) rows.cursors.delete(name);
  let next = Math.max(0, ...known.map(({ forwarder }) => forwarder)) + 1;
  const begun: { readonly cursor: Cursor; readonly missed: readonly Range[] }[] = [];
  for (const name of names.filter((name) => !rows.cursors.has(name))) {
    const old = known.find((row) => row.name === name);
    const number = old?.forwarder ?? next++;
    if (old === undefined) db.prepare('INSERT INTO forwarders VALUES (?, ?, 0)').run(number, name);
    const cursor = new Cursor(db, name, number, rows.urgent);
    cursor.load(rows.present());
    waiveForeign(cursor, gateway, rows, runs);
    rows.cursors.set(name, cursor);
    const missed = cursor.unsettledOf(rows.gone());
    if (missed.length > 0) begun.push({ cursor, missed });
    else setActive(db, name, 1);
  }
  return { retired, begun };
}

/** Makes the changes durable, inside the caller's transaction, and declares what those who begin will never have. */
export function confirmForwarders(
  db: Db,
  { retired, begun }: ForwarderChanges,
  gateway: string,
  runs: RunTable,
  gaps: GapDeclaration,
): void {
  for (const name of retired) setActive(db, name, 0);
  for (const { cursor, missed } of begun) {
    const { name } = cursor;
    setActive(db, name, 1);
    cursor.skip(missed);
    for (const [run, rows] of runs.divided(missed)) {
      if (run.gateway !== gateway) continue;
      gaps.add({ salt: saltText(run.salt), reason: 'before', forwarder: name }, sequencesOf(run, [rows]));
    }
  }
}

/** The event that says that a forwarder holds rows no more. */
export function retirement(forwarder: string, label: Pick<Observation, 'timestampMs' | 'clock'>): Observation {
  const info = { event: 'forwarder_retired', forwarder };
  return { station: GATEWAY_STATION, kind: 'event', ...label, metrics: {}, flags: {}, info };
}

function setActive(db: Db, name: string, active: 0 | 1): void {
  db.prepare('UPDATE forwarders SET active = ? WHERE name = ?').run(active, name);
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
