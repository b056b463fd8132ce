/** InfluxDB under the suite of stores that run elsewhere. */

import type { FlatRecord } from '../../central/recordlog/recordlog.ts';
import type { InfluxqlSeries } from '../../central/sinks/influxdb/api-v1.ts';
import { InfluxdbStore } from '../../central/sinks/influxdb/influxdb-store.ts';
import { sequencesQuery } from '../../central/sinks/influxdb/missing.ts';
import { missingSequences } from '../../central/sinks/remote/missing-sequences.ts';
import type { JsonValue } from '../../protocol/record.ts';
import { systemClock } from '../../runtime/clock.ts';
import { Influx } from '../engines/influx.ts';
import { engineOf } from '../engines/local-server.ts';
import { flatOf, runOf } from './entries.ts';
import type { RemoteHarness } from './remote-store.ts';

interface Place {
  readonly url: string;
  readonly database: string;
}

const MEASUREMENT = 'sensor_data';
const TAGS = ['institute', 'classroom'];
const ALL = [MEASUREMENT, 'alarm', 'gap', 'event', 'undated'].map((name) => `"${name}"`).join(',');
/** The suite waits for it, and a busy machine takes a part of it for a large write. */
const DEADLINE_MS = 10_000;

export const harness: RemoteHarness = {
  async start() {
    const influx = await Influx.start();
    return engineOf(influx, (number): Place => ({ url: influx.url, database: `place ${number}` }));
  },
  make(place) {
    const { url, database } = placeOf(place);
    return new InfluxdbStore({
      name: 'series',
      url,
      place: { api: 'v1', database },
      measurement: MEASUREMENT,
      tags: TAGS,
      deadlineMs: DEADLINE_MS,
      clock: systemClock,
    });
  },
  read: async (place) => (await rowsOf(place, `SELECT * FROM ${ALL}`)).map(recordOf),
  async remove(place, ids) {
    for (const { from, row } of (await rowsOf(place, `SELECT * FROM ${ALL}`)).filter(({ row }) =>
      ids.includes(String(row.id)),
    ))
      await query(place, `DELETE FROM "${from}" WHERE time = '${row.time}'`);
  },
  async missing(place, run) {
    const rows = await rowsOf(place, sequencesQuery(MEASUREMENT, run));
    return missingSequences(rows.map(({ row }) => Number(row.sequence)));
  },
  async partitions(place) {
    const shards = await query(place, 'SHOW SHARDS');
    return shards.find(({ name }) => name === placeOf(place).database)?.values?.length ?? 0;
  },
  async makeUnfit(place) {
    const { url, database } = placeOf(place);
    await query(place, `CREATE DATABASE "${database}"`);
    await fetch(`${url}/write?${new URLSearchParams({ db: database })}`, {
      method: 'POST',
      body: `${MEASUREMENT},institute=a temperature=21.5`,
    });
  },
  poison: [
    // Its neighbours have made it a number, and whatever comes first decides.
    { ...flatOf(runOf(1), 1000), kind: 'sample', x_note: 5, timestamp: flatOf(runOf(1), 5).timestamp },
    { ...flatOf(runOf(1), 1001), temperature: 'warm' },
    { ...flatOf(runOf(1), 1002), x_list: [1, 2] },
  ],
};

function placeOf(place: string): Place {
  return JSON.parse(place) as Place;
}

/** What InfluxQL answers; throws with its error. */
export async function query(place: string, q: string): Promise<readonly InfluxqlSeries[]> {
  const { url, database } = placeOf(place);
  const answer = await fetch(`${url}/query`, { method: 'POST', body: new URLSearchParams({ db: database, q }) });
  const { results = [], error } = (await answer.json()) as {
    results?: { series?: InfluxqlSeries[]; error?: string }[];
    error?: string;
  };
  const failure = error ?? results.find((result) => result.error !== undefined)?.error;
  if (failure !== undefined) throw new Error(`${q}: ${failure}`);
  return results.flatMap(({ series = [] }) => series);
}

interface Row {
  readonly from: string;
  readonly row: Readonly<Record<string, JsonValue>>;
}

async function rowsOf(place: string, q: string): Promise<Row[]> {
  return (await query(place, q)).flatMap(({ name = '', columns, values = [] }) =>
    values.map((cells) => ({
      from: name,
      row: Object.fromEntries(
        columns.map((column, at) => [column, cells[at] as JsonValue]).filter(([, value]) => value !== null),
      ),
    })),
  );
}

/** The flat record that a point was. */
function recordOf({ from, row }: Row): FlatRecord {
  const flat: Record<string, JsonValue> = {};
  const nested: Record<'location' | 'flag', Record<string, JsonValue>> = { location: {}, flag: {} };
  for (const [column, value] of Object.entries(row)) {
    const [part = '', name] = column.split('.');
    if (name !== undefined) nested[part as 'location' | 'flag'][name] = value;
    else if (!['time', 'run', 'sequence', 'info', 'received_at', ...TAGS].includes(column)) flat[column] = value;
  }
  if (Object.keys(nested.location).length > 0) flat.location = nested.location;
  if (Object.keys(nested.flag).length > 0) flat.flags = nested.flag;
  if (typeof row.info === 'string') flat.info = JSON.parse(row.info) as JsonValue;
  return {
    kind: from === MEASUREMENT ? 'sample' : from,
    timestamp: new Date(String(row.time)).toISOString(),
    received_at: new Date(Number(row.received_at)).toISOString(),
    ...flat,
  } as unknown as FlatRecord;
}
