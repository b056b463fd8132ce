import assert from 'node:assert/strict';
import { z } from 'zod';
import type { Path } from '../../../runtime/config/document.ts';
import type { ConfigReader } from '../../../runtime/config/reader.ts';
import { choice, filePath, pattern } from '../../../runtime/config/values.ts';
import { OTHER_MEASUREMENTS } from '../../sinks/influxdb/api.ts';
import type { InfluxdbPlace } from '../../sinks/influxdb/influxdb-store.ts';
import { checkSecret } from '../secrets.ts';
import type { InfluxdbConfig } from '../types.ts';
import { type ConnectionKeys, caOf, checkCaOfUrl, loginOf, storeName, storeUrl } from './connection.ts';

const INFLUX_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;
/** What the line protocol can say without a way round: `#` would begin a comment. */
const influxName = (what: string) =>
  pattern(
    INFLUX_NAME,
    `the name of a ${what}`,
    'It has a-z, A-Z, 0-9, dot, underscore, hyphen, and begins with a letter or digit.',
  );
/** Tags that each point has, and the key of its time. */
const OWN_TAGS = ['gateway', 'station', 'time'];

/** `sinks.NAME.influxdb`. */
export const influxdbSchema = z.strictObject({
  url: storeUrl().describe('The server, `http://HOST:8086` or `https://HOST:8086` (TLS)'),
  api: choice(['v1', 'v2']).prefault('v1').describe('Whether it is written to as InfluxDB 1 or as InfluxDB 2'),
  database: storeName().optional().describe('With `api: v1`: the database, which is made where it is not there'),
  org: storeName().optional().describe('With `api: v2`: the organisation'),
  bucket: storeName().optional().describe('With `api: v2`: the bucket, which has to be there'),
  token: filePath().optional().describe('With `api: v2`: file whose first line is the token'),
  measurement: influxName('measurement')
    .refine((name) => !(OTHER_MEASUREMENTS as readonly string[]).includes(name), {
      error: 'is the name of another one',
    })
    .prefault('records')
    .meta({ hint: `Choose a name other than ${OTHER_MEASUREMENTS.join(', ')}, which are measurements of their own.` })
    .describe('The measurement of samples; alarms, gaps and events have their own'),
  tags: z
    .array(influxName('tag'))
    .refine((tags) => new Set([...OWN_TAGS, ...tags]).size === OWN_TAGS.length + tags.length, {
      error: 'has a tag twice, or one that is there anyway',
    })
    .meta({ hint: `Each once, and none of ${OWN_TAGS.join(', ')}.` })
    .prefault([])
    .describe(
      'What of `info.tags` is a tag here, beside `gateway` and `station`: few values each, as each makes series',
    ),
});

type InfluxdbKeys = z.output<typeof influxdbSchema>;

/** What goes with one interface alone: of the kind, and of the sink beside it. */
const KEYS = {
  v1: { own: ['database'], ofSink: ['user', 'password'] },
  v2: { own: ['org', 'bucket', 'token'], ofSink: [] },
} as const;

/** Reports keys of the other interface, and what is missing of this one. */
export function checkInfluxdb(reader: ConfigReader, sink: Path): void {
  const own: Path = [...sink, 'influxdb'];
  const influxdb = reader.mappingAt(own);
  if (influxdb === undefined) return;
  checkCaOfUrl(reader, sink, 'influxdb');
  checkSecret(reader, [...own, 'token']);
  const { api = 'v1' } = influxdb;
  if (api !== 'v1' && api !== 'v2') return;
  const other = api === 'v1' ? 'v2' : 'v1';
  for (const key of KEYS[api].own.filter((each) => !Object.hasOwn(influxdb, each))) {
    reader.report([...own, key], 'key', 'missing', `\`api: ${api}\` needs it.`);
  }
  const strange: Path[] = [
    ...KEYS[other].own.map((key) => [...own, key]),
    ...KEYS[other].ofSink.map((key) => [...sink, key]),
  ];
  for (const path of strange.filter((each) => reader.valueAt(each) !== undefined)) {
    const hint = `Remove it, or write \`api: ${other}\`.`;
    reader.report(path, 'key', `goes with \`api: ${other}\` only`, hint);
  }
}

export function influxdbOf(name: string, keys: InfluxdbKeys, connection: ConnectionKeys): InfluxdbConfig {
  const { url, measurement, tags } = keys;
  const options = { name, url, measurement, tags, place: placeOf(keys, connection), ...caOf(connection) };
  return { kind: 'influxdb', place: url, options };
}

function placeOf({ api, database, org, bucket, token }: InfluxdbKeys, connection: ConnectionKeys): InfluxdbPlace {
  if (api === 'v1') {
    assert(database !== undefined, 'what is missing is a problem');
    return { api, database, ...loginOf(connection) };
  }
  assert(org !== undefined && bucket !== undefined && token !== undefined, 'what is missing is a problem');
  return { api, org, bucket, tokenFile: token };
}
