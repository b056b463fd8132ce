/** HBase under the suite of stores that run elsewhere. */

import type { FlatRecord } from '../../central/recordlog/recordlog.ts';
import { HbaseStore } from '../../central/sinks/hbase/hbase-store.ts';
import { sequencesPath } from '../../central/sinks/hbase/missing.ts';
import type { HbaseLayout } from '../../central/sinks/hbase/row.ts';
import { missingSequences } from '../../central/sinks/remote/missing-sequences.ts';
import type { JsonValue } from '../../protocol/record.ts';
import { systemClock } from '../../runtime/clock.ts';
import { flatOf, runOf } from '../conformance/entries.ts';
import type { RemoteHarness } from '../conformance/remote-store.ts';
import { Hbase } from './hbase.ts';
import { engineOf } from './local-server.ts';

export interface HbasePlace {
  readonly url: string;
  readonly table: string;
}

/** A row as it stands there: qualifier → value. */
export interface FoundRow {
  readonly key: string;
  readonly timestamps: ReadonlySet<number>;
  readonly cells: Readonly<Record<string, string>>;
}

/** Short, as the suite waits for it; what HBase does on two shared processors is slower than on its own. */
const DEADLINE_MS = 8000;
const READ_MS = 60_000;
const LAYOUT: HbaseLayout = { kind: 'records', salt: 16 };
/** Columns that are no part of the record, and those of its keys that are text as they are. */
const BESIDE = new Set(['run', 'sequence']);
const TEXT = new Set(['id', 'gateway', 'station', 'kind', 'timestamp', 'clock', 'received_at']);

export const harness: RemoteHarness = {
  async start() {
    const hbase = await Hbase.start();
    return engineOf(hbase, (number): HbasePlace => ({ url: hbase.url, table: `mooring-${number}` }));
  },
  make: (place) => hbaseStore(placeOf(place), LAYOUT),
  read: async (place) => (await hbaseRows(placeOf(place), '*')).map(({ cells }) => recordOf(cells)),
  async remove(place, ids) {
    const { url, table } = placeOf(place);
    for (const { key } of await hbaseRows(placeOf(place), '*?column=d:id'))
      if (ids.some((id) => key.endsWith(`|${id}`)))
        await fetch(`${url}/${table}/${encodeURIComponent(key)}`, {
          method: 'DELETE',
          signal: AbortSignal.timeout(READ_MS),
        });
  },
  async missing(place, run) {
    const path = sequencesPath(placeOf(place).table, LAYOUT, run);
    const rows = await hbaseRows(placeOf(place), path.slice(path.indexOf('/', 1) + 1));
    return missingSequences(rows.map(({ cells }) => Number(cells.sequence)));
  },
  async makeUnfit(place) {
    const { url, table } = placeOf(place);
    const schema = { name: table, ColumnSchema: [{ name: 'd', VERSIONS: '5' }] };
    const answer = await fetch(`${url}/${table}/schema`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(schema),
      signal: AbortSignal.timeout(READ_MS),
    });
    if (!answer.ok) throw new Error(`${table}: ${answer.status} ${await answer.text()}`);
  },
  // A row's key has at most 32,767 bytes.
  poison: [{ ...flatOf(runOf(1), 1000), station: 'x'.repeat(33_000) }],
};

export function hbaseStore({ url, table }: HbasePlace, layout: HbaseLayout): HbaseStore {
  return new HbaseStore({ name: 'wide', url, table, layout, deadlineMs: DEADLINE_MS, clock: systemClock });
}

export function placeOf(place: string): HbasePlace {
  return JSON.parse(place) as HbasePlace;
}

/** The rows that a scan finds. */
export async function hbaseRows({ url, table }: HbasePlace, scan: string): Promise<FoundRow[]> {
  const answer = await fetch(`${url}/${table}/${scan}`, {
    headers: { accept: 'application/json' },
    signal: AbortSignal.timeout(READ_MS),
  });
  if (!answer.ok) throw new Error(`${scan}: ${answer.status} ${await answer.text()}`);
  const { Row = [] } = (await answer.json()) as { Row?: RowJson[] };
  return Row.map(({ key, Cell }) => ({
    key: textOf(key),
    timestamps: new Set(Cell.map(({ timestamp }) => timestamp)),
    cells: Object.fromEntries(Cell.map(({ column, $ }) => [textOf(column).replace(/^\w+:/, ''), textOf($)])),
  }));
}

/** The flat record that a row was. */
function recordOf(cells: FoundRow['cells']): FlatRecord {
  const values = Object.entries(cells)
    .filter(([name]) => !BESIDE.has(name))
    .map(([name, value]): [string, JsonValue] => [name, TEXT.has(name) ? value : (JSON.parse(value) as JsonValue)]);
  return Object.fromEntries(values) as unknown as FlatRecord;
}

function textOf(base64: string): string {
  return Buffer.from(base64, 'base64').toString('utf8');
}

interface RowJson {
  readonly key: string;
  readonly Cell: readonly { readonly column: string; readonly timestamp: number; readonly $: string }[];
}
