import { z } from 'zod';
import { choice, duration, pattern } from '../../../runtime/config/values.ts';
import type { PostgresConfig } from '../types.ts';
import { type ConnectionKeys, caOf, hostName, loginOf, PORT_MAX } from './connection.ts';

/** What PostgreSQL takes for a name, in bytes; a partition's is the table's and its date. */
const NAME_MAX = 63;
const TABLE_MAX = NAME_MAX - '_20260131'.length;
const name = (what: string, max = NAME_MAX) =>
  pattern(
    new RegExp(`^[\\w$-]{1,${max}}$`),
    `the name of a ${what}`,
    `It has 1 to ${max} letters, digits, $, _ and -.`,
  );

/** `sinks.NAME.postgres`. */
export const postgresSchema = z.strictObject({
  host: hostName().describe('The server: a name or an address'),
  port: z.int().min(1).max(PORT_MAX).prefault(5432).describe('Where it listens'),
  database: name('database').prefault('mooring').describe('The database, which has to be there, in UTF-8'),
  schema: name('schema').prefault('public').describe('The schema, which is made where it is not there'),
  table: name('table', TABLE_MAX)
    .prefault('records')
    .describe('The table, which is made where it is not there and checked where it is'),
  period: choice(['day', 'month'])
    .prefault('month')
    .describe('How long a partition goes on, by the time of the events'),
  retention: duration({ min: '1d', max: '36500d' })
    .optional()
    .meta({ hint: 'Write a number and its unit: 90d.' })
    .describe('How long events are kept: a partition that is older as a whole is dropped; left out: for ever'),
});

export function postgresOf(
  sink: string,
  { host, port, retention, ...names }: z.output<typeof postgresSchema>,
  connection: ConnectionKeys,
): PostgresConfig {
  const retained = retention === undefined ? {} : { retentionMs: retention };
  const options = { name: sink, host, port, ...names, ...retained, ...loginOf(connection), ...caOf(connection) };
  return { kind: 'postgres', place: `${host}:${port}`, options };
}
