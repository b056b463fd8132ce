import type { Clock } from '../../../runtime/clock.ts';
import type { StoreConfig } from '../../config/types.ts';
import type { RemoteStore } from './remote-store.ts';

/** The store of a configuration. What speaks to one is loaded only where it is used. */
export async function createStore(config: StoreConfig, clock: Clock): Promise<RemoteStore> {
  switch (config.kind) {
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
