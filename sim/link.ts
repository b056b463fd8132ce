import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import type { Clock } from '../runtime/clock.ts';
import type { Random } from '../runtime/random.ts';
import { Direction, Pipe, reset } from './link-pipe.ts';

export interface LinkOptions {
  /** Loopback port that connections lead to. */
  readonly target: number;
  readonly clock: Clock;
  readonly random: Random;
  /** One way, in milliseconds; 0 if left out. */
  readonly delayMs?: number;
  /** Each way, of all connections together; unlimited if left out. */
  readonly bytesPerSecond?: number;
  /** Chance that a segment of 1,460 bytes is lost, which TCP turns into a wait for its retransmission; 0 if left out. */
  readonly loss?: number;
}

/** `up` is from whoever connects to the target. */
export type LinkDirection = 'up' | 'down' | 'both';

/** A TCP link on loopback that can be made as bad as a real one while it is in use. */
export interface Link {
  /** Connect here instead of to the target. */
  readonly port: number;
  /** Connections that are open now. */
  readonly connections: number;
  /** Bytes delivered so far. */
  readonly bytes: { readonly up: number; readonly down: number };
  /** Resets every connection, and every new one, until `heal`. */
  cut(): void;
  heal(): void;
  /**
   * Half-open silence: nothing is delivered that way, not even that a connection has ended, and both sides believe it
   * open. `thaw` delivers what was held back.
   */
  freeze(direction: LinkDirection): void;
  thaw(): void;
  /** Hold for what is sent from now on. */
  setDelay(delayMs: number): void;
  setBandwidth(bytesPerSecond: number | undefined): void;
  setLoss(chance: number): void;
  /** Resets every connection and stops listening. */
  close(): Promise<void>;
}

/** Starts a link that listens on a free loopback port. */
export async function startLink(options: LinkOptions): Promise<Link> {
  const { target, clock, random, delayMs = 0, bytesPerSecond, loss = 0 } = options;
  const quality = { clock, random, delayMs, bytesPerSecond, loss };
  const up = new Direction(quality);
  const down = new Direction(quality);
  const sockets = new Set<Socket>();
  let isCut = false;
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    const far = connect({ host: '127.0.0.1', port: target, allowHalfOpen: true, noDelay: true });
    for (const socket of [client, far]) {
      sockets.add(socket);
      // Without a listener an error would be thrown; 'close' follows and says that there was one.
      socket.on('error', () => undefined);
      socket.once('close', () => sockets.delete(socket));
    }
    if (isCut) resetAll([client, far]);
    else {
      new Pipe(up, client, far).start();
      new Pipe(down, far, client).start();
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    get connections() {
      return sockets.size / 2;
    },
    get bytes() {
      return { up: up.bytes, down: down.bytes };
    },
    cut: () => {
      isCut = true;
      resetAll(sockets);
    },
    heal: () => {
      isCut = false;
    },
    freeze: (direction) => {
      if (direction !== 'down') up.freeze();
      if (direction !== 'up') down.freeze();
    },
    thaw: () => {
      up.thaw();
      down.thaw();
    },
    setDelay: (ms) => {
      up.delayMs = ms;
      down.delayMs = ms;
    },
    setBandwidth: (rate) => {
      assert(rate === undefined || rate > 0, 'a link of no bandwidth is a frozen one');
      up.bytesPerSecond = rate;
      down.bytesPerSecond = rate;
    },
    setLoss: (chance) => {
      up.loss = chance;
      down.loss = chance;
    },
    close: async () => {
      server.close();
      resetAll(sockets);
      await once(server, 'close');
    },
  };
}

function resetAll(sockets: Iterable<Socket>): void {
  // A reset of one end makes its 'close' event remove it from the set that may be walked here.
  for (const socket of [...sockets]) reset(socket);
}
