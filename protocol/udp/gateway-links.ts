import type { KeyObject } from 'node:crypto';
import type { CentreSession } from './centre-session.ts';
import { Challenges } from './challenges.ts';
import { type RandomBytes, sealKey } from './seal.ts';

export interface GatewayLinksOptions {
  /** Of this process of the centre. */
  readonly salt: Uint8Array;
  readonly random: RandomBytes;
  /** Beyond it, the one that was made first and has no session is forgotten. */
  readonly linksMax: number;
}

/** What this process of the centre keeps for one gateway, whichever process of that gateway it speaks with. */
export class GatewayLink<Address> {
  readonly gateway: string;
  /** Seals what goes down. */
  readonly key: KeyObject;
  readonly challenges: Challenges;
  /** By the salt of the gateway's process, the one that was silent for the longest first. */
  readonly sessions = new Map<string, CentreSession<Address>>();
  readonly #sharedKey: Uint8Array;
  #counter: number;

  constructor(gateway: string, sharedKey: Uint8Array, options: GatewayLinksOptions, counter: number) {
    this.gateway = gateway;
    this.key = sealKey(sharedKey, { direction: 'down', gateway, salt: options.salt });
    this.challenges = new Challenges(options.random);
    this.#sharedKey = sharedKey;
    this.#counter = counter;
  }

  /** The counter of the newest datagram down. */
  get counter(): number {
    return this.#counter;
  }

  nextCounter(): number {
    this.#counter += 1;
    return this.#counter;
  }

  /** Lower counters are not used from now on. */
  skipTo(counter: number): void {
    this.#counter = Math.max(this.#counter, counter);
  }

  isOf(sharedKey: Uint8Array | undefined): boolean {
    return sharedKey !== undefined && Buffer.compare(sharedKey, this.#sharedKey) === 0;
  }
}

/** The links of all gateways that have sent anything authentic. Whatever is forgotten, no counter is used twice. */
export class GatewayLinks<Address> {
  readonly #options: GatewayLinksOptions;
  readonly #byGateway = new Map<string, GatewayLink<Address>>();
  /** The highest counter of a link that was forgotten. */
  #counterBefore = 0;

  constructor(options: GatewayLinksOptions) {
    this.#options = options;
  }

  find(gateway: string): GatewayLink<Address> | undefined {
    return this.#byGateway.get(gateway);
  }

  open(gateway: string, sharedKey: Uint8Array): GatewayLink<Address> {
    const known = this.#byGateway.get(gateway);
    if (known !== undefined) return known;
    const link = new GatewayLink<Address>(gateway, sharedKey, this.#options, this.#counterBefore);
    this.#byGateway.set(gateway, link);
    for (const oldest of this.#byGateway.values()) {
      if (this.#byGateway.size <= this.#options.linksMax) break;
      if (oldest.sessions.size === 0 && oldest !== link) this.forget(oldest);
    }
    return link;
  }

  forget(link: GatewayLink<Address>): void {
    this.#counterBefore = Math.max(this.#counterBefore, link.counter);
    this.#byGateway.delete(link.gateway);
  }
}
