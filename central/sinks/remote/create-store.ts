import type { Clock } from '../../../runtime/clock.ts';
import type { Log } from '../../../runtime/log.ts';
import type { StoreConfig } from '../../config/types.ts';
import type { RemoteStore } from './remote-store.ts';
import { RetainingStore } from './retaining-store.ts';

export interface StoreSurroundings {
  readonly clock: Clock;
  readonly log: Log;
}

/** The store of a configuration. What speaks to one is loaded only where it is used. */
export async function createStore(config: StoreConfig, { clock, log }: StoreSurroundings): Promise<RemoteStore> {
  switch (config.kind) {
    case 'cassandra': {
      const { CassandraStore } = await import('../cassandra/cassandra-store.ts');
      return new CassandraStore({ ...config.options, clock });
    }
    case 'elasticsearch': {
      const { ElasticsearchStore } = await import('../elasticsearch/elasticsearch-store.ts');
      const store = new ElasticsearchStore({ ...config.options, clock });
      const { retentionMs } = config.options;
      return retentionMs === undefined ? store : new RetainingStore({ store, retentionMs, clock, log });
    }
    case 'influxdb': {
      const { InfluxdbStore } = await import('../influxdb/influxdb-store.ts');
      return new InfluxdbStore({ ...config.options, clock });
    }
    case 'mariadb': {
      const { MariadbStore } = await import('../mariadb/mariadb-store.ts');
      return new MariadbStore({ ...config.options, clock });
    }
  }
}
