import { z } from 'zod';
import { pattern } from '../../../runtime/config/values.ts';
import type { MariadbConfig } from '../types.ts';
import { type ConnectionKeys, caOf, hostName, loginOf, PORT_MAX } from './connection.ts';

/** What MariaDB takes for a name. */
const NAME_MAX = 64;
const NAME = new RegExp(`^[\\w$-]{1,${NAME_MAX}}$`);
const name = (what: string) =>
  pattern(NAME, `the name of a ${what}`, `It has 1 to ${NAME_MAX} letters, digits, $, _ and -.`);

/** `sinks.NAME.mariadb`. */
export const mariadbSchema = z.strictObject({
  host: hostName().describe('The server: a name or an address'),
  port: z.int().min(1).max(PORT_MAX).prefault(3306).describe('Where it listens'),
  database: name('database').prefault('mooring').describe('The database, which is made where it is not there'),
  table: name('table')
    .prefault('records')
    .describe('The table, which is made where it is not there and checked where it is'),
});

export function mariadbOf(
  sink: string,
  { host, port, database, table }: z.output<typeof mariadbSchema>,
  connection: ConnectionKeys,
): MariadbConfig {
  const options = { name: sink, host, port, database, table, ...loginOf(connection), ...caOf(connection) };
  return { kind: 'mariadb', place: `${host}:${port}`, options };
}
