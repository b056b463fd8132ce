import { z } from 'zod';
import { RECORD_KINDS } from '../../../protocol/record.ts';
import type { Path } from '../../../runtime/config/document.ts';
import type { ConfigReader } from '../../../runtime/config/reader.ts';
import { choice, duration, filePath, NOT_IN_THIS_VERSION, pattern } from '../../../runtime/config/values.ts';
import type { StoreConfig, StoreSinkConfig } from '../types.ts';
import { cassandraOf, cassandraSchema } from './cassandra.ts';
import { checkLogin } from './connection.ts';
import { checkElasticsearch, elasticsearchOf, elasticsearchSchema } from './elasticsearch.ts';
import { checkHbase, hbaseOf, hbaseSchema } from './hbase.ts';
import { checkHdfs, hdfsOf, hdfsSchema } from './hdfs.ts';
import { checkInfluxdb, influxdbOf, influxdbSchema } from './influxdb.ts';
import { mariadbOf, mariadbSchema } from './mariadb.ts';
import { postgresOf, postgresSchema } from './postgres.ts';
import { checkSplit, splitOf, splitSchema } from './split.ts';

/** Kinds of sinks that run somewhere else and are fed from Kafka. */
export const STORE_KINDS = [
  'cassandra',
  'elasticsearch',
  'hbase',
  'hdfs',
  'influxdb',
  'mariadb',
  'postgres',
  'split',
] as const;
type StoreKind = (typeof STORE_KINDS)[number];

/** By kind: what a sink of it has to keep beside what its schema says, where that is anything. */
const CHECKS: Partial<Record<StoreKind, (reader: ConfigReader, sink: Path) => void>> = {
  elasticsearch: checkElasticsearch,
  hbase: checkHbase,
  hdfs: checkHdfs,
  influxdb: checkInfluxdb,
  split: checkSplit,
};

/** How many records a write has at the most, where nobody says it. */
const BATCH: Readonly<Record<StoreKind, number>> = {
  cassandra: 500,
  elasticsearch: 1000,
  hbase: 1000,
  hdfs: 10_000,
  influxdb: 5000,
  mariadb: 1000,
  postgres: 1000,
  split: 1000,
};
/** Each write into HDFS is a small file until the log is rolled. */
const LINGER_MS: Partial<Record<StoreKind, number>> = { hdfs: 60_000 };
const BATCH_MAX = 100_000;
const BATCH_WORDS = STORE_KINDS.map((kind) => `${BATCH[kind]} (${kind})`).join(', ');

/** Also of those that are named by no user: `_gateway`, `_centre`. */
const SPEAKER = /^[a-z0-9_][a-z0-9._-]{0,62}$/;
const speakers = (what: string) =>
  z
    .array(pattern(SPEAKER, `the name of a ${what}`, `Write it as it stands in a record's \`${what}\`.`))
    .min(1)
    .optional();

const takeSchema = z.strictObject({
  kinds: z.array(choice(RECORD_KINDS)).min(1).optional().describe('Kinds of records; left out: all'),
  gateways: speakers('gateway').describe('Names of gateways; left out: all'),
  stations: speakers('station').describe(
    'Names of stations, `_gateway` for what a gateway says of itself; left out: all',
  ),
});

/** The keys that a store has beside its kind. */
const besideShape = {
  batch: z
    .int()
    .min(1)
    .max(BATCH_MAX)
    .optional()
    .describe(
      `Stores: the most records of one write, which are fewer while that is too much; left out: ${BATCH_WORDS}`,
    ),
  linger: duration({ max: '1m' })
    .optional()
    .meta({ defaultText: '0s; hdfs: 1m' })
    .describe(
      'Stores: how long the first record after an idle time waits for others; where writes take longer, as long as they do, up to ten times this',
    ),
  take: takeSchema.optional().describe('Stores: the records to take, those that are in each list; left out: all'),
  ca: filePath().optional().describe('Stores: file with the certificates to trust, PEM; left out: those of the system'),
  user: z
    .string()
    .min(1)
    .max(256)
    .optional()
    .describe('Stores: user name, where the store asks for one; `hdfs` takes one without a password'),
  password: filePath()
    .optional()
    .describe('Stores: file whose first line is the password; only owner and group may read it'),
};

/** What a sink may say of a store. */
export const storeShape = {
  cassandra: cassandraSchema.optional().describe('Records in Cassandra; needs `kafka`'),
  elasticsearch: elasticsearchSchema.optional().describe('Records in Elasticsearch or OpenSearch; needs `kafka`'),
  hbase: hbaseSchema.optional().describe('Records in HBase; needs `kafka`'),
  hdfs: hdfsSchema.optional().describe('Records as Parquet files in HDFS; needs `kafka`'),
  influxdb: influxdbSchema.optional().describe('Records in InfluxDB; needs `kafka`'),
  mariadb: mariadbSchema.optional().describe('Records in MariaDB; needs `kafka`'),
  postgres: postgresSchema.optional().describe('Records in PostgreSQL; needs `kafka`'),
  split: splitSchema.optional().describe('Records in two topics, one of them with each measure alone; needs `kafka`'),
  ...besideShape,
};

type StoreKeys = z.output<z.ZodObject<typeof storeShape>>;

/** Reports stores without Kafka or with keys that make no sense together, and their keys on sinks of other kinds. */
export function checkStores(reader: ConfigReader): void {
  for (const name of Object.keys(reader.mappingAt(['sinks']) ?? {})) {
    const path: Path = ['sinks', name];
    const sink = reader.mappingAt(path) ?? {};
    const kind = STORE_KINDS.find((each) => Object.hasOwn(sink, each));
    if (kind === undefined) {
      for (const key of Object.keys(besideShape).filter((each) => Object.hasOwn(sink, each))) {
        reader.report([...path, key], 'key', NOT_IN_THIS_VERSION);
      }
      continue;
    }
    if (!Object.hasOwn(reader.data, 'kafka')) {
      const hint = 'Add `kafka: { brokers: [HOST:9092] }`: what a store is to have waits there while it is away.';
      reader.report([...path, kind], 'key', 'needs `kafka`', hint);
    }
    checkLogin(reader, path, { mayStandAlone: kind === 'hdfs' });
    CHECKS[kind]?.(reader, path);
  }
}

/** A store as it is configured; undefined where the sink is none. */
export function storeOf(name: string, keys: StoreKeys): StoreSinkConfig | undefined {
  const store = kindOf(name, keys);
  if (store === undefined) return undefined;
  const { batch = BATCH[store.kind], linger = LINGER_MS[store.kind] ?? 0, take = {} } = keys;
  return { name, ...store, batch, lingerMs: linger, take };
}

function kindOf(
  name: string,
  { cassandra, elasticsearch, hbase, hdfs, influxdb, mariadb, postgres, split, ...keys }: StoreKeys,
): StoreConfig | undefined {
  if (cassandra !== undefined) return cassandraOf(name, cassandra, keys);
  if (elasticsearch !== undefined) return elasticsearchOf(name, elasticsearch, keys);
  if (hbase !== undefined) return hbaseOf(name, hbase, keys);
  if (hdfs !== undefined) return hdfsOf(name, hdfs, keys);
  if (influxdb !== undefined) return influxdbOf(name, influxdb, keys);
  if (mariadb !== undefined) return mariadbOf(name, mariadb, keys);
  if (postgres !== undefined) return postgresOf(name, postgres, keys);
  if (split !== undefined) return splitOf(name, split);
  return undefined;
}
