import { CentreSessions } from '../../protocol/udp/centre-sessions.ts';
import { GatewaySession } from '../../protocol/udp/gateway-session.ts';
import { SeededRandom } from '../../runtime/random.ts';
import { CLEAN_WAY, DatagramWorld, type WayQuality } from './datagram-link.ts';

export type Deliver = (
  gateway: string,
  message: Uint8Array,
  reply: (message: Uint8Array, nowMs: number) => boolean,
) => void;

/** Where datagrams that were sent are kept, for whoever wants to send them once more. */
export interface Tap {
  readonly up: Uint8Array[];
  readonly down: Uint8Array[];
}

/** Both ends of the UDP link around a bad way, in one stepped time. The centre can be started anew. */
export class UdpEnds {
  readonly random: SeededRandom;
  readonly world: DatagramWorld;
  readonly keys = new Map<string, Uint8Array>();
  readonly tap: Tap = { up: [], down: [] };
  readonly gateways = new Map<string, GatewaySession>();
  /** Address of each gateway; a datagram to any other goes nowhere. */
  readonly addresses = new Map<string, string>();
  readonly #deliver: Deliver;
  centre: CentreSessions<string>;

  constructor(seed: number, quality: Partial<WayQuality>, deliver: Deliver, sessionsMax?: number) {
    this.random = new SeededRandom(seed);
    this.world = new DatagramWorld(this.random, { ...CLEAN_WAY, ...quality });
    this.#deliver = deliver;
    this.centre = this.#newCentre(sessionsMax);
  }

  get nowMs(): number {
    return this.world.nowMs;
  }

  /** As after a crash: nothing is known any more. */
  restartCentre(): void {
    this.world.remove(this.centre);
    this.centre = this.#newCentre();
  }

  addGateway(gateway: string, on: Partial<ConstructorParameters<typeof GatewaySession>[0]> = {}): GatewaySession {
    const sharedKey = this.keys.get(gateway) ?? this.random.bytes(32);
    this.keys.set(gateway, sharedKey);
    this.addresses.set(gateway, `${gateway}:1`);
    const before = this.gateways.get(gateway);
    if (before !== undefined) this.world.remove(before);
    const session = new GatewaySession({
      gateway,
      sharedKey,
      random: this.random,
      transmit: (datagram) => {
        this.tap.up.push(datagram);
        const from = this.addresses.get(gateway) as string;
        this.world.carry(`${gateway} up`, datagram, (bytes) => this.centre.receive(bytes, from, this.nowMs));
      },
      deliver: () => undefined,
      onUp: () => undefined,
      onTaken: () => undefined,
      ...on,
    });
    this.gateways.set(gateway, session);
    this.world.add(session);
    session.open(this.nowMs);
    return session;
  }

  #newCentre(sessionsMax = 100): CentreSessions<string> {
    const centre = new CentreSessions<string>({
      keyOf: (gateway) => this.keys.get(gateway),
      random: this.random,
      sessionsMax,
      transmit: (datagram, address) => {
        this.tap.down.push(datagram);
        this.world.carry(`${address} down`, datagram, (bytes) => {
          for (const [gateway, at] of this.addresses) {
            if (at === address) this.gateways.get(gateway)?.receive(bytes, this.nowMs);
          }
        });
      },
      deliver: (gateway, message, reply) => this.#deliver(gateway, message, reply),
    });
    this.world.add(centre);
    return centre;
  }
}

/** A message that names itself. */
export function numbered(number: number, length = 40): Uint8Array {
  const message = new Uint8Array(length);
  new DataView(message.buffer).setUint32(0, number);
  return message;
}

export function numberIn(message: Uint8Array): number {
  return new DataView(message.buffer, message.byteOffset).getUint32(0);
}
