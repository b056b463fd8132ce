import assert from 'node:assert/strict';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import type { Clock } from '../runtime/clock.ts';
import type { Random } from '../runtime/random.ts';
import type { LinkDirection } from './link.ts';
import { DatagramDirection, type DatagramQuality } from './udp-link-direction.ts';

export interface UdpLinkOptions {
  /** Loopback port that datagrams lead to. */
  readonly target: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly quality?: Partial<DatagramQuality>;
}

/** Called with each datagram as it was sent, before chance decides what becomes of it. */
export type Tap = (direction: 'up' | 'down', datagram: Uint8Array) => void;

/** A UDP link on loopback that can be made as bad as a real one while it is in use, and as hostile. */
export interface UdpLink {
  /** Send here instead of to the target. */
  readonly port: number;
  /** Addresses that have sent something; the target sees each as an address of its own. */
  readonly flows: number;
  /** Delivered so far. Bytes are those of UDP's payload. */
  readonly datagrams: { readonly up: number; readonly down: number };
  readonly bytes: { readonly up: number; readonly down: number };
  /** Lost by chance, by a cut or for want of room. */
  readonly lost: { readonly up: number; readonly down: number };
  /** Every datagram that way is lost until `heal`. */
  cut(direction: LinkDirection): void;
  heal(): void;
  /** Nothing is delivered that way; `thaw` delivers what was held back, as far as there was room for it. */
  freeze(direction: LinkDirection): void;
  thaw(): void;
  /** Holds for what is sent from now on, each way; what is left out becomes perfect. */
  setQuality(quality: Partial<DatagramQuality>): void;
  /** From now on datagrams lead to this port: the target has begun anew at another. */
  setTarget(port: number): void;
  /** Every flow comes from a new address from now on, as behind a NAT that has forgotten it. */
  rebind(): void;
  /** Returns what ends it. */
  tap(listener: Tap): () => void;
  /** Delivers a datagram as if the other side of the newest flow had sent it, at once. Never by chance. */
  inject(direction: 'up' | 'down', datagram: Uint8Array): void;
  close(): Promise<void>;
}

/** One address that sends, and the address that the target sees instead of it. */
interface Flow {
  readonly address: string;
  readonly port: number;
  readonly far: Socket;
}

/** Starts a link that listens on a free loopback port. */
export async function startUdpLink(options: UdpLinkOptions): Promise<UdpLink> {
  const near = createSocket('udp4');
  near.bind(0, '127.0.0.1');
  await once(near, 'listening');
  return new LoopbackLink(near, options);
}

class LoopbackLink implements UdpLink {
  readonly #near: Socket;
  readonly #up: DatagramDirection;
  readonly #down: DatagramDirection;
  readonly #flows = new Map<string, Flow>();
  readonly #taps = new Set<Tap>();
  #target: number;
  #newest: Flow | undefined;

  constructor(near: Socket, { target, clock, random, quality = {} }: UdpLinkOptions) {
    this.#near = near;
    this.#target = target;
    this.#up = new DatagramDirection(clock, random, quality);
    this.#down = new DatagramDirection(clock, random, quality);
    near.on('message', (datagram, { address, port }) => this.#sentUp(this.#flowOf(address, port), datagram));
    ignoreErrors(near);
  }

  get port(): number {
    return this.#near.address().port;
  }

  get flows(): number {
    return this.#flows.size;
  }

  get datagrams() {
    return { up: this.#up.datagrams, down: this.#down.datagrams };
  }

  get bytes() {
    return { up: this.#up.bytes, down: this.#down.bytes };
  }

  get lost() {
    return { up: this.#up.lost, down: this.#down.lost };
  }

  cut(direction: LinkDirection): void {
    for (const way of this.#ways(direction)) way.isCut = true;
  }

  heal(): void {
    for (const way of this.#ways('both')) way.isCut = false;
  }

  freeze(direction: LinkDirection): void {
    for (const way of this.#ways(direction)) way.freeze();
  }

  thaw(): void {
    for (const way of this.#ways('both')) way.thaw();
  }

  setQuality(quality: Partial<DatagramQuality>): void {
    for (const way of this.#ways('both')) way.setQuality(quality);
  }

  setTarget(port: number): void {
    this.#target = port;
  }

  rebind(): void {
    for (const { far } of this.#flows.values()) far.close();
    this.#flows.clear();
    this.#newest = undefined;
  }

  tap(listener: Tap): () => void {
    this.#taps.add(listener);
    return () => void this.#taps.delete(listener);
  }

  inject(direction: 'up' | 'down', datagram: Uint8Array): void {
    assert(this.#newest !== undefined, 'nobody has sent anything yet');
    if (direction === 'up') this.#newest.far.send(datagram, this.#target, '127.0.0.1');
    else this.#near.send(datagram, this.#newest.port, this.#newest.address);
  }

  async close(): Promise<void> {
    for (const way of this.#ways('both')) way.close();
    this.rebind();
    this.#near.close();
    await once(this.#near, 'close');
  }

  #ways(direction: LinkDirection): DatagramDirection[] {
    return [...(direction === 'down' ? [] : [this.#up]), ...(direction === 'up' ? [] : [this.#down])];
  }

  #flowOf(address: string, port: number): Flow {
    const name = `${address}:${port}`;
    const known = this.#flows.get(name);
    if (known !== undefined) return known;
    const flow = { address, port, far: createSocket('udp4') };
    flow.far.on('message', (datagram, from) => {
      if (from.port === this.#target) this.#sentDown(flow, datagram);
    });
    ignoreErrors(flow.far);
    this.#flows.set(name, flow);
    this.#newest = flow;
    return flow;
  }

  #sentUp(flow: Flow, datagram: Uint8Array): void {
    for (const tap of this.#taps) tap('up', datagram);
    this.#up.carry(datagram, (arriving) => {
      if (this.#isCurrent(flow)) flow.far.send(arriving, this.#target, '127.0.0.1');
    });
  }

  #sentDown(flow: Flow, datagram: Uint8Array): void {
    for (const tap of this.#taps) tap('down', datagram);
    this.#down.carry(datagram, (arriving) => {
      if (this.#isCurrent(flow)) this.#near.send(arriving, flow.port, flow.address);
    });
  }

  #isCurrent(flow: Flow): boolean {
    return this.#flows.get(`${flow.address}:${flow.port}`) === flow;
  }
}

/** A datagram that nobody takes is lost, which is what this is about. */
function ignoreErrors(socket: Socket): void {
  socket.on('error', () => undefined);
}
