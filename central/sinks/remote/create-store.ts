import type { Clock } from '../../../runtime/clock.ts';
import type { Log } from '../../../runtime/log.ts';
import type { Random } from '../../../runtime/random.ts';
import type { KafkaConfig, StoreConfig } from '../../config/types.ts';
import type { KafkaClient } from '../../recordlog/kafka/client.ts';
import type { DailyJobs } from '../../schedule/daily-job.ts';
import type { RemoteStore } from './remote-store.ts';
import { RetainingStore } from './retaining-store.ts';

export interface StoreSurroundings {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly jobs: DailyJobs;
  /** Where the log is. */
  readonly kafka: KafkaConfig;
  readonly client: KafkaClient;
}

/** The store of a configuration. What speaks to one is loaded only where it is used. */
export async function createStore(
  config: StoreConfig,
  { clock, random, log, jobs, kafka, client }: StoreSurroundings,
): Promise<RemoteStore> {
  switch (config.kind) {
    case 'cassandra': {
      const { CassandraStore } = await import('../cassandra/cassandra-store.ts');
      return new CassandraStore({ ...config.options, clock });
    }
    case 'elasticsearch': {
      const { ElasticsearchStore } = await import('../elasticsearch/elasticsearch-store.ts');
      const store = new ElasticsearchStore({ ...config.options, clock });
      const { retentionMs } = config.options;
      return retentionMs === undefined ? store : new RetainingStore({ store, retentionMs, jobs, clock, log });
    }
    case 'hbase': {
      const { HbaseStore } = await import('../hbase/hbase-store.ts');
      return new HbaseStore({ ...config.options, clock });
    }
    case 'hdfs': {
      const { HdfsStore } = await import('../hdfs/hdfs-store.ts');
      return new HdfsStore({ ...config.options, clock, random });
    }
    case 'influxdb': {
      const { InfluxdbStore } = await import('../influxdb/influxdb-store.ts');
      return new InfluxdbStore({ ...config.options, clock });
    }
    case 'mariadb': {
      const { MariadbStore } = await import('../mariadb/mariadb-store.ts');
      return new MariadbStore({ ...config.options, clock });
    }
    case 'postgres': {
      const { PostgresStore } = await import('../postgres/postgres-store.ts');
      const store = new PostgresStore({ ...config.options, clock });
      const { retentionMs } = config.options;
      return retentionMs === undefined ? store : new RetainingStore({ store, retentionMs, jobs, clock, log });
    }
    case 'split': {
      const { SplitStore } = await import('../split/split-store.ts');
      const { partitions, replication, brokers } = kafka;
      return new SplitStore({ ...config.options, client, partitions, replication, brokers, clock });
    }
  }
}
