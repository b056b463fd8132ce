import { z } from 'zod';
import { choice, duration, pattern } from '../../../runtime/config/values.ts';
import type { CassandraConfig } from '../types.ts';
import { type ConnectionKeys, caOf, loginOf, PORT_MAX, storeName } from './connection.ts';

const HOST = /^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(:[1-9]\d{0,4})?$/;
const PORT = /:(\d+)$/;
const NAME = /^[a-z][a-z0-9_]{0,47}$/;
const name = (what: string) =>
  pattern(NAME, `the name of a ${what}`, 'It has 1 to 48 of a-z, 0-9, underscore, and begins with a letter.');
const REPLICATION_MAX = 9;
const SECOND_MS = 1000;

function portOf(host: string): number | undefined {
  const port = PORT.exec(host)?.[1];
  return port === undefined ? undefined : Number(port);
}

const hosts = () =>
  z
    .array(
      z
        .string()
        .refine((text) => HOST.test(text) && (portOf(text) ?? 1) <= PORT_MAX, {
          error: 'is not the address of a server',
        })
        .meta({ hint: 'Write a host, or host and port: cass-1:9042.', kind: 'address', pattern: HOST.source }),
    )
    .min(1)
    .refine((all) => new Set(all.map(portOf)).size === 1, { error: 'name several ports' })
    .meta({ hint: 'All servers of a cluster listen on one port: write it with each, or with none.' });

/** `sinks.NAME.cassandra`. */
export const cassandraSchema = z.strictObject({
  hosts: hosts().describe('Servers, `HOST` or `HOST:PORT` (9042); any of them tells of the others'),
  datacenter: storeName().describe(
    'The datacenter to write to, as the cluster calls it: `datacenter1` where nobody has',
  ),
  keyspace: name('keyspace').prefault('mooring').describe('The keyspace, which is made where it is not there'),
  replication: z
    .int()
    .min(1)
    .max(REPLICATION_MAX)
    .prefault(1)
    .describe('Copies in the datacenter, of a keyspace that is made here'),
  table: name('table')
    .prefault('records')
    .describe('The table, which is made where it is not there and checked where it is'),
  bucket: choice(['day']).prefault('day').describe('What a partition is about: a day of events of a station'),
  run_index: z
    .boolean()
    .prefault(true)
    .describe(
      'An index on `run`, which needs Cassandra 5; without it, what is missing of a run is found by reading the table',
    ),
  ttl: duration({ min: '1d', max: '7300d' })
    .optional()
    .meta({ hint: 'Write a number and its unit: 365d.' })
    .describe('How long rows live; left out: as the table has it, and for ever where it is made here'),
});

export function cassandraOf(
  sink: string,
  { hosts: servers, datacenter, keyspace, replication, table, run_index, ttl }: z.output<typeof cassandraSchema>,
  connection: ConnectionKeys,
): CassandraConfig {
  const options = {
    ...{ name: sink, hosts: servers, datacenter, keyspace, replication, table, runIndex: run_index },
    ...(ttl === undefined ? {} : { ttlSeconds: Math.round(ttl / SECOND_MS) }),
    ...loginOf(connection),
    ...caOf(connection),
  };
  return { kind: 'cassandra', place: servers.join(', '), options };
}
