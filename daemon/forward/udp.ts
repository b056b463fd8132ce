import assert from 'node:assert/strict';
import { messageBytesMax } from '../../protocol/udp/frames.ts';
import { GatewaySession } from '../../protocol/udp/gateway-session.ts';
import type { Clock } from '../../runtime/clock.ts';
import { MooringError } from '../../runtime/errors.ts';
import type { Log } from '../../runtime/log.ts';
import type { Random } from '../../runtime/random.ts';
import { readUdpKey } from '../../runtime/udp-key.ts';
import type { UdpClientConfig } from '../config/types.ts';
import type { Transport, TransportEvents, TransportLimits } from './transport.ts';
import { UdpConnection } from './udp-connection.ts';
import { unusableKey } from './udp-errors.ts';
import { type ConnectUdp, connectUdp } from './udp-socket.ts';

export interface UdpTransportOptions {
  readonly gateway: string;
  readonly centre: UdpClientConfig;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Left out: this machine's network. */
  readonly connect?: ConnectUdp;
  readonly limits?: Partial<TransportLimits>;
}

/**
 * A sink commits once a second, and a datagram holds 90 small records, or 15 where they compress badly: enough of them for
 * a drain to get on by thousands of records a second.
 */
const LIMITS = { batchesInFlightMax: 512, ackDeadlineMs: 20_000 };
/**
 * What may wait to be handed on, of one lane: as much as fills the way, and a few that are ready when it has room. More would
 * only wait, on a slow link for longer than its deadline.
 */
const UNSENT_MAX = 32;
const UNSENT_MORE = 2;

/**
 * Straight to the centre in sealed datagrams (docs/protocol.md, "Datagrams"): a batch each, sent again until the centre's
 * process has it. The session, with its salt and its counter, lasts as long as the process; a connection is one socket.
 */
export class UdpTransport implements Transport {
  readonly kind = 'udp';
  readonly url: string;
  readonly limits: TransportLimits;
  readonly #options: UdpTransportOptions;
  #key: Uint8Array | undefined;
  #session: GatewaySession | undefined;
  #connection: UdpConnection | undefined;
  #attempt = 0;

  constructor(options: UdpTransportOptions) {
    const { centre, gateway, limits } = options;
    this.#options = options;
    const host = centre.host.includes(':') ? `[${centre.host}]` : centre.host;
    this.url = `udp://${host}:${centre.port}`;
    const unsentMax = (): number => Math.min(UNSENT_MAX, (this.#session?.window ?? 0) + UNSENT_MORE);
    const fixed = { batchBytesMax: messageBytesMax(gateway), ...LIMITS };
    this.limits = {
      ...fixed,
      get batchesUnsentMax() {
        return unsentMax();
      },
      ...limits,
    };
  }

  async open(events: TransportEvents, signal: AbortSignal): Promise<void> {
    assert(this.#connection === undefined, 'a transport is opened once at a time');
    const { centre, clock, log, connect = connectUdp } = this.#options;
    const session = this.#sessionWith(await keyOf(centre.keyFile));
    signal.throwIfAborted();
    const destination = { host: centre.host, port: centre.port, attempt: this.#attempt };
    const connection = new UdpConnection({ session, destination, connect, events, clock, log });
    this.#connection = connection;
    try {
      await connection.open(signal);
    } catch (error) {
      this.#attempt += 1;
      await this.close();
      throw error;
    }
  }

  async send(batch: Uint8Array, { isUrgent = false } = {}): Promise<void> {
    if (this.#connection === undefined) throw new MooringError('LINK_DOWN', 'the link is not open');
    await this.#connection.send(batch, isUrgent);
  }

  close(): Promise<void> {
    this.#connection?.close();
    this.#connection = undefined;
    return Promise.resolve();
  }

  /** A key that was changed means a new salt; else there is one for the life of the process. */
  #sessionWith(key: Uint8Array): GatewaySession {
    if (this.#session === undefined || this.#key === undefined || Buffer.compare(this.#key, key) !== 0) {
      const { gateway, random } = this.#options;
      this.#key = key;
      this.#session = new GatewaySession({
        gateway,
        sharedKey: key,
        random,
        transmit: (datagram) => this.#connection?.transmit(datagram),
        deliver: (message) => this.#connection?.deliver(message),
        onUp: () => this.#connection?.onUp(),
        onTaken: (number) => this.#connection?.onTaken(number),
      });
    }
    return this.#session;
  }
}

/** For a gateway a key that is not there yet is a refused link: it tries again. */
async function keyOf(path: string): Promise<Uint8Array> {
  try {
    return await readUdpKey(path);
  } catch (cause) {
    throw cause instanceof MooringError ? unusableKey(cause) : cause;
  }
}
