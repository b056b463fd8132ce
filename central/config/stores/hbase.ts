import { z } from 'zod';
import type { Path } from '../../../runtime/config/document.ts';
import type { ConfigReader } from '../../../runtime/config/reader.ts';
import { choice, pattern } from '../../../runtime/config/values.ts';
import { TimeZone } from '../../formats/time-zone.ts';
import { SALT_MAX } from '../../sinks/hbase/row.ts';
import type { HbaseConfig } from '../types.ts';
import { type ConnectionKeys, caOf, checkCaOfUrl, loginOf, storeUrl } from './connection.ts';

/** As HBase takes them: a namespace has no dot and no hyphen. */
const TABLE = /^([A-Za-z0-9_]{1,64}:)?[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/;
const SALT = 16;
const ZONE = 'UTC';

/** `sinks.NAME.hbase`. */
export const hbaseSchema = z.strictObject({
  url: storeUrl().describe("HBase's REST server, `http://HOST:8080` or `https://HOST:8080` (TLS)"),
  table: pattern(
    TABLE,
    'the name of a table',
    'Write mooring, or with its namespace plant:mooring: a-z, A-Z, 0-9, underscore; in the table also dot and hyphen.',
  )
    .prefault('mooring')
    .describe('The table, which is made where it is not there and checked where it is'),
  layout: choice(['records', 'ntua'])
    .prefault('records')
    .describe("How rows are called: by station and then time, or by minute and then sensor as in NTUA's tables"),
  salt: z
    .int()
    .min(1)
    .max(SALT_MAX)
    .optional()
    .meta({ defaultText: String(SALT) })
    .describe('With `layout: records`: prefixes that stations are spread over; for ever'),
  zone: z
    .string()
    .min(1)
    .refine((name) => zoneOf(name) !== undefined, { error: 'is not a time zone' })
    .optional()
    .meta({ hint: 'Write a name of the IANA database: Europe/Athens.', defaultText: ZONE })
    .describe('With `layout: ntua`: of the wall clock whose minute is in the key; for ever'),
});

function zoneOf(name: string): TimeZone | undefined {
  try {
    return new TimeZone(name);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return undefined;
  }
}

/** Reports the key of the other layout. */
export function checkHbase(reader: ConfigReader, sink: Path): void {
  checkCaOfUrl(reader, sink, 'hbase');
  const own: Path = [...sink, 'hbase'];
  const layout = reader.valueAt([...own, 'layout']) ?? 'records';
  for (const [key, its] of [
    ['salt', 'records'],
    ['zone', 'ntua'],
  ] as const) {
    if (layout === its || reader.valueAt([...own, key]) === undefined) continue;
    reader.report([...own, key], 'key', `goes with \`layout: ${its}\` only`, `Remove it, or write \`layout: ${its}\`.`);
  }
}

export function hbaseOf(
  name: string,
  { url, table, layout: kind, salt = SALT, zone = ZONE }: z.output<typeof hbaseSchema>,
  connection: ConnectionKeys,
): HbaseConfig {
  const { user, passwordFile } = loginOf(connection);
  const login = user === undefined || passwordFile === undefined ? {} : { login: { user, passwordFile } };
  const layout = kind === 'ntua' ? { kind, zone: new TimeZone(zone) } : { kind, salt };
  return { kind: 'hbase', place: url, options: { name, url, table, layout, ...login, ...caOf(connection) } };
}
