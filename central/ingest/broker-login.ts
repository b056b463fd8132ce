import type { IClientOptions } from 'mqtt';
import { readBrokerLogin } from '../../runtime/broker-login.ts';
import type { BrokerClientConfig } from '../../runtime/config/broker.ts';

const CONNECT_TIMEOUT_MS = 10_000;

/**
 * How MQTT.js is to connect. It does nothing by itself: no reconnecting, no queue. Throws `CONFIG_UNREADABLE` or
 * `CONFIG_INVALID`.
 */
export async function loginOf(config: BrokerClientConfig): Promise<IClientOptions> {
  return {
    protocolVersion: 4,
    clean: true,
    reconnectPeriod: 0,
    resubscribe: false,
    queueQoSZero: false,
    // Acks that go out must not hide that nothing comes in.
    reschedulePings: false,
    connectTimeout: CONNECT_TIMEOUT_MS,
    ...(await readBrokerLogin(config)),
  };
}
