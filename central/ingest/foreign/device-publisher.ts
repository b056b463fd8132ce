import { connect } from 'mqtt';
import { type Clock, withDeadline } from '../../../runtime/clock.ts';
import type { BrokerClientConfig } from '../../../runtime/config/broker.ts';
import { MooringError } from '../../../runtime/errors.ts';
import { loginOf } from '../broker-login.ts';

export interface DevicePublisher {
  /** Resolves when the broker has confirmed it: QoS 1. Across a loss of the connection it is sent again. */
  publish(topic: string, bytes: Uint8Array): Promise<void>;
  /** Lets go at once: what is not confirmed is given up, and its `publish` rejects. */
  close(): Promise<void>;
}

const RECONNECT_MS = 500;
const CONNECT_MS = 10_000;

/**
 * Publishes as an existing device does. Resolves when it is connected, and connects again by itself from then on; rejects with
 * `LINK_DOWN` or `CONFIG_UNREADABLE`.
 */
export async function connectDevicePublisher(
  config: BrokerClientConfig,
  clientId: string,
  clock: Clock,
): Promise<DevicePublisher> {
  const login = await loginOf(config);
  const client = connect(config.url, { ...login, clientId, clean: false, reconnectPeriod: RECONNECT_MS });
  const down = (cause?: Error): MooringError =>
    new MooringError('LINK_DOWN', 'the broker cannot be reached', {
      ...(cause === undefined ? {} : { cause }),
      context: { url: config.url },
    });
  const connected = new Promise<void>((resolve, reject) => {
    client.once('connect', () => resolve());
    client.once('close', () => reject(down()));
    // Also later: an error of the connection is followed by its close, and by the next try.
    client.on('error', (error) => reject(down(error)));
  });
  try {
    await withDeadline(clock, CONNECT_MS, connected, down);
  } catch (error) {
    await client.endAsync(true);
    throw error;
  }
  return {
    publish: async (topic, bytes) => {
      await client.publishAsync(topic, Buffer.from(bytes), { qos: 1 });
    },
    close: async () => {
      await client.endAsync(true);
    },
  };
}
