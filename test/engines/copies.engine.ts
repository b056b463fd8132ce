/** Two copies of each store's sink on one real Kafka; MariaDB's are part of `npm test`. The engines start one after the other. */
import { describe } from 'vitest';
import { harness as influxdb } from '../conformance/influxdb-harness.ts';
import { describeRemoteCopies } from '../conformance/remote-copies.ts';
import { sharedKafka } from '../kafka/shared.ts';
import { harness as cassandra } from './cassandra-harness.ts';
import { harness as hbase } from './hbase-harness.ts';
import { harness as hdfs } from './hdfs-harness.ts';
import { harness as opensearch } from './opensearch-harness.ts';
import { harness as postgres } from './postgres-harness.ts';

/** With the start of a JVM, on processors that do much else. */
const TEST_MS = 900_000;
/** Each write of HDFS' harness is a file in the log, and soon one of Parquet: some a second. */
const BACKLOG_OF_FILES = 1500;

const STORES = [
  { name: 'influxdb', harness: influxdb, module: '../conformance/influxdb-harness.ts' },
  { name: 'postgres', harness: postgres, module: './postgres-harness.ts' },
  { name: 'opensearch', harness: opensearch, module: './opensearch-harness.ts' },
  { name: 'cassandra', harness: cassandra, module: './cassandra-harness.ts' },
  { name: 'hbase', harness: hbase, module: './hbase-harness.ts' },
  { name: 'hdfs', harness: hdfs, module: './hdfs-harness.ts', backlog: BACKLOG_OF_FILES },
] as const;

describe('copies', () => {
  for (const { name, harness, module, ...bounds } of STORES) {
    const moduleUrl = new URL(module, import.meta.url).href;
    describeRemoteCopies(name, harness, moduleUrl, sharedKafka, { testMs: TEST_MS, ...bounds });
  }
});
