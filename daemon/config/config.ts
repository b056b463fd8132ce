import type { AnyDriver } from '../../drivers/driver.ts';
import { DRIVERS } from '../../drivers/index.ts';
import { ConfigReader } from '../../runtime/config/reader.ts';
import { readGatewayConfig } from './read.ts';
import type { GatewayConfig } from './types.ts';

export type {
  ForwarderConfig,
  GatewayConfig,
  MetricExtension,
  MqttForwarderConfig,
  SensorConfig,
  StationConfig,
  StoreConfig,
  UdpClientConfig,
  UdpForwarderConfig,
} from './types.ts';

export interface LoadGatewayOptions {
  /** The drivers that there are. */
  readonly drivers?: readonly AnyDriver[];
}

/** Reads and checks a gateway's file. Throws `CONFIG_INVALID` with every problem in it, or `CONFIG_UNREADABLE`. */
export function loadGatewayConfig(path: string, { drivers = DRIVERS }: LoadGatewayOptions = {}): GatewayConfig {
  return readGatewayConfig(new ConfigReader(path), drivers);
}
