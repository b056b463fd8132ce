import { decodeAck } from '../../protocol/ack-codec.ts';
import { ProtocolError } from '../../protocol/errors.ts';
import type { GatewaySession } from '../../protocol/udp/gateway-session.ts';
import type { Clock } from '../../runtime/clock.ts';
import { MooringError } from '../../runtime/errors.ts';
import type { Log } from '../../runtime/log.ts';
import type { TransportEvents } from './transport.ts';
import { begunAnew, silentCentre, udpLinkErrorOf } from './udp-errors.ts';
import type { ConnectUdp, UdpDestination, UdpSocket } from './udp-socket.ts';

export interface UdpConnectionOptions {
  /** Outlives the connection: only so can its counter go on under its salt. */
  readonly session: GatewaySession;
  readonly destination: UdpDestination;
  readonly connect: ConnectUdp;
  readonly events: TransportEvents;
  readonly clock: Clock;
  readonly log: Log;
}

/** From the look-up of the name to the centre's answer. */
const OPEN_DEADLINE_MS = 15_000;
/** How long something may wait to be taken while nothing authentic is heard. */
const SILENCE_MS = 20_000;
const WATCH_MS = 1000;

interface Waiting {
  readonly batch: Uint8Array;
  readonly isUrgent: boolean;
  readonly sinceMs: number;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** A socket and what is under way on it, from its opening to its end; never used again. */
export class UdpConnection {
  readonly #options: UdpConnectionOptions;
  readonly #ended = Promise.withResolvers<MooringError>();
  readonly #up = Promise.withResolvers<void>();
  /** Sent and not taken, by the session's number; oldest first. */
  readonly #sent = new Map<number, Waiting>();
  /** The session takes no more for now. */
  readonly #queue: Waiting[] = [];
  #socket: UdpSocket | undefined;
  #cancelTick: (() => void) | undefined;
  #tickMs = Number.POSITIVE_INFINITY;
  #cancelWatch: (() => void) | undefined;
  #isOpen = false;
  /** Of the session, when this connection was opened. */
  #challenges = 0;
  #error: MooringError | undefined;
  #hasSaidBadAck = false;

  constructor(options: UdpConnectionOptions) {
    this.#options = options;
  }

  /** Resolves when the centre has answered. Rejects with why not, or with the signal's reason. */
  async open(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    const onAbort = (): void => this.#end(udpLinkErrorOf(signal.reason));
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
    const cancel = clock.after(OPEN_DEADLINE_MS, () => this.#end(silentCentre('open')));
    const failed = this.#ended.promise.then((error) => {
      throw error;
    });
    try {
      await Promise.race([this.#greet(), failed]);
    } finally {
      failed.catch(() => undefined);
      cancel();
      signal.removeEventListener('abort', onAbort);
    }
    if (this.#error !== undefined) throw this.#error;
    this.#isOpen = true;
    this.#challenges = this.#options.session.counters.challenges;
    this.#watch();
  }

  /** Resolves when the centre's process has the batch. */
  async send(batch: Uint8Array, isUrgent: boolean): Promise<void> {
    if (this.#error !== undefined || !this.#isOpen) throw this.#error ?? notOpen();
    await new Promise<void>((resolve, reject) => {
      const waiting = { batch, isUrgent, sinceMs: this.#options.clock.monotonicMs(), resolve, reject };
      const firstOther = isUrgent ? this.#queue.findIndex((other) => !other.isUrgent) : -1;
      this.#queue.splice(firstOther < 0 ? this.#queue.length : firstOther, 0, waiting);
      this.#pump();
    });
  }

  close(): void {
    this.#fail(new MooringError('LINK_DOWN', 'the link was closed'));
  }

  transmit(datagram: Uint8Array): void {
    this.#socket?.send(datagram);
  }

  deliver(message: Uint8Array): void {
    if (this.#error !== undefined) return;
    try {
      this.#options.events.onAck(decodeAck(message));
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      if (!this.#hasSaidBadAck) this.#options.log.warn({ err: error }, 'something else than an ack came as one');
      this.#hasSaidBadAck = true;
    }
  }

  onUp(): void {
    this.#up.resolve();
  }

  onTaken(messageNumber: number): void {
    this.#sent.get(messageNumber)?.resolve();
    this.#sent.delete(messageNumber);
  }

  async #greet(): Promise<void> {
    const { connect, destination, session, clock } = this.#options;
    const socket = await connect(destination, {
      onDatagram: (datagram) => this.#receive(datagram),
      onError: (error) => this.#end(udpLinkErrorOf(error)),
    }).catch((cause: unknown) => {
      throw udpLinkErrorOf(cause);
    });
    if (this.#error !== undefined) {
      socket.close();
      return;
    }
    this.#socket = socket;
    session.open(clock.monotonicMs());
    this.#schedule();
    await this.#up.promise;
  }

  #receive(datagram: Uint8Array): void {
    if (this.#error !== undefined) return;
    const { session, clock } = this.#options;
    session.receive(datagram, clock.monotonicMs());
    // What it had taken and not answered, it has forgotten: better sent again now than when its deadline has passed.
    if (this.#isOpen && session.counters.challenges > this.#challenges) this.#end(begunAnew());
    else this.#pump();
  }

  /** Hands the session what it takes, and asks it when it wants to be called. */
  #pump(): void {
    const { session, clock } = this.#options;
    const nowMs = clock.monotonicMs();
    while (this.#error === undefined && session.canSend) {
      const waiting = this.#queue.shift();
      if (waiting === undefined) break;
      this.#sent.set(session.send(waiting.batch, nowMs, waiting), waiting);
    }
    this.#schedule();
  }

  #schedule(): void {
    if (this.#error !== undefined) return;
    const { session, clock } = this.#options;
    const dueMs = session.nextDueMs();
    // One that is set for earlier looks again by itself: most of the time there is nothing to set anew.
    if (this.#tickMs <= dueMs) return;
    this.#cancelTick?.();
    this.#tickMs = dueMs;
    this.#cancelTick = clock.after(dueMs - clock.monotonicMs(), () => {
      this.#tickMs = Number.POSITIVE_INFINITY;
      session.tick(clock.monotonicMs());
      this.#pump();
    });
  }

  /** Ends a connection on which nothing comes back although something waits for it. */
  #watch(): void {
    const { session, clock } = this.#options;
    this.#cancelWatch = clock.after(WATCH_MS, () => {
      const [oldest = this.#queue[0]] = this.#sent.values();
      const heardMs = session.lastHeardMs ?? Number.NEGATIVE_INFINITY;
      if (oldest !== undefined && clock.monotonicMs() - Math.max(oldest.sinceMs, heardMs) >= SILENCE_MS) {
        this.#end(silentCentre('send'));
      } else this.#watch();
    });
  }

  #end(error: MooringError): void {
    if (this.#error !== undefined) return;
    const wasOpen = this.#isOpen;
    this.#fail(error);
    if (wasOpen) this.#options.events.onDown(error);
  }

  #fail(error: MooringError): void {
    if (this.#error !== undefined) return;
    this.#error = error;
    this.#ended.resolve(error);
    this.#cancelTick?.();
    this.#cancelWatch?.();
    this.#socket?.close();
    for (const [number, { reject }] of this.#sent) {
      this.#options.session.forget(number);
      reject(error);
    }
    for (const { reject } of this.#queue) reject(error);
    this.#sent.clear();
    this.#queue.length = 0;
  }
}

function notOpen(): MooringError {
  return new MooringError('LINK_DOWN', 'the link is not open');
}
