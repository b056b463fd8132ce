import assert from 'node:assert/strict';
import { BOUNDS } from '../../protocol/record.ts';
import { type BrokerLogin, readBrokerLogin } from '../../runtime/broker-login.ts';
import type { Clock } from '../../runtime/clock.ts';
import type { BrokerClientConfig } from '../../runtime/config/broker.ts';
import { MooringError } from '../../runtime/errors.ts';
import type { Log } from '../../runtime/log.ts';
import type { Random } from '../../runtime/random.ts';
import { unusableLogin } from './mqtt-errors.ts';
import { MqttSession } from './mqtt-session.ts';
import type { Transport, TransportEvents, TransportLimits } from './transport.ts';

export interface MqttTransportOptions {
  readonly gateway: string;
  /** Name of the forwarder. */
  readonly name: string;
  readonly broker: BrokerClientConfig;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly limits?: Partial<TransportLimits>;
}

/** A file sink commits once a second, so a drain gets on by the window a second; a window is also what memory has to hold. */
const LIMITS: TransportLimits = { batchBytesMax: BOUNDS.batchBytes, batchesInFlightMax: 32, ackDeadlineMs: 20_000 };

/**
 * Over an MQTT broker, version 3.1.1 (docs/protocol.md, "Topics"): batches and state go out with QoS 1, acks come in.
 * The session is clean: what is on its way when it ends is lost, and the forwarder sends it again.
 */
export class MqttTransport implements Transport {
  readonly kind = 'mqtt';
  readonly url: string;
  readonly limits: TransportLimits;
  readonly #options: MqttTransportOptions;
  /** The same for every connection, so that a broker drops the earlier one at once when the gateway comes back. */
  readonly #clientId: string;
  #session: MqttSession | undefined;

  constructor(options: MqttTransportOptions) {
    this.#options = options;
    this.url = options.broker.url;
    this.limits = { ...LIMITS, ...options.limits };
    const chance = Buffer.from(options.random.bytes(4)).toString('hex');
    this.#clientId = `mooring-${options.gateway}-${options.name}-${chance}`;
  }

  async open(events: TransportEvents, signal: AbortSignal): Promise<void> {
    assert(this.#session === undefined, 'a transport is opened once at a time');
    const { broker, gateway, name, clock, log } = this.#options;
    const client = { ...(await loginOf(broker)), clientId: this.#clientId };
    signal.throwIfAborted();
    const session = new MqttSession({ url: broker.url, gateway, name, client, events, clock, log });
    this.#session = session;
    try {
      await session.open(signal);
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  async send(batch: Uint8Array): Promise<void> {
    if (this.#session === undefined) throw new MooringError('LINK_DOWN', 'the link is not open');
    await this.#session.send(batch);
  }

  async close(): Promise<void> {
    const session = this.#session;
    this.#session = undefined;
    await session?.close();
  }
}

/** For a gateway a file that is not there yet is a refused link: it tries again. */
async function loginOf(broker: BrokerClientConfig): Promise<BrokerLogin> {
  try {
    return await readBrokerLogin(broker);
  } catch (cause) {
    throw cause instanceof MooringError ? unusableLogin(cause) : cause;
  }
}
