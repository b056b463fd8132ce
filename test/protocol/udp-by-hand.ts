import { expect } from 'vitest';
import { CentreSessions } from '../../protocol/udp/centre-sessions.ts';
import { GatewaySession } from '../../protocol/udp/gateway-session.ts';
import { SeededRandom } from '../../runtime/random.ts';

export interface Sent {
  readonly datagram: Uint8Array;
  readonly address: string;
}

/** Both ends of the UDP link by hand: every datagram waits until the test hands it on. */
export class HandEnds {
  readonly random: SeededRandom;
  readonly keys = new Map<string, Uint8Array>();
  readonly delivered: string[] = [];
  readonly replies: ((message: Uint8Array, nowMs: number) => boolean)[] = [];
  readonly down: Sent[] = [];
  centre: CentreSessions<string>;

  constructor(seed = 1, sessionsMax = 100) {
    this.random = new SeededRandom(seed);
    this.centre = this.newCentre(sessionsMax);
  }

  newCentre(sessionsMax = 100): CentreSessions<string> {
    this.centre = new CentreSessions<string>({
      keyOf: (gateway) => this.keys.get(gateway),
      random: this.random,
      transmit: (datagram, address) => this.down.push({ datagram, address }),
      deliver: (gateway, message, reply) => {
        this.delivered.push(`${gateway}: ${Buffer.from(message)}`);
        this.replies.push(reply);
      },
      sessionsMax,
    });
    return this.centre;
  }

  gateway(name: string): HandGateway {
    const sharedKey = this.keys.get(name) ?? this.random.bytes(32);
    this.keys.set(name, sharedKey);
    return new HandGateway(this, name, sharedKey);
  }
}

export class HandGateway {
  readonly up: Uint8Array[] = [];
  readonly delivered: string[] = [];
  readonly taken: number[] = [];
  readonly session: GatewaySession;
  readonly #ends: HandEnds;
  address: string;
  ups = 0;

  constructor(ends: HandEnds, gateway: string, sharedKey: Uint8Array) {
    this.#ends = ends;
    this.address = `${gateway}:1`;
    this.session = new GatewaySession({
      gateway,
      sharedKey,
      random: ends.random,
      transmit: (datagram) => this.up.push(datagram),
      deliver: (message) => this.delivered.push(Buffer.from(message).toString()),
      onUp: () => {
        this.ups += 1;
      },
      onTaken: (number) => this.taken.push(number),
    });
  }

  say(text: string, nowMs: number): number {
    return this.session.send(Buffer.from(text), nowMs);
  }

  /** Hands on whatever was sent, in both directions, until nothing is. */
  exchange(nowMs: number): void {
    while (this.up.length > 0 || this.#ends.down.length > 0) {
      for (const datagram of this.up.splice(0)) this.#ends.centre.receive(datagram, this.address, nowMs);
      for (const { datagram, address } of this.#ends.down.splice(0)) {
        if (address === this.address) this.session.receive(datagram, nowMs);
      }
    }
  }

  openedAt(nowMs: number): this {
    this.session.open(nowMs);
    this.exchange(nowMs);
    expect(this.session.isUp).toBe(true);
    return this;
  }
}
