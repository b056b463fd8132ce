import assert from 'node:assert/strict';
import type { Transport, TransportEvents, TransportLimits } from '../daemon/forward/transport.ts';
import { decodeAck } from '../protocol/ack-codec.ts';
import { ProtocolError } from '../protocol/errors.ts';
import type { Clock } from '../runtime/clock.ts';
import { MooringError } from '../runtime/errors.ts';
import type { SeededRandom } from '../runtime/random.ts';

/** What receives batches at the other end; `answer` may be called any number of times, at any time. */
export type Centre = (gateway: string, batch: Uint8Array, answer: (ack: Uint8Array) => void) => void;

/** How bad the link is, each way. Chances are between 0 and 1. */
export interface LinkQuality {
  /** One way, in milliseconds. */
  readonly delayMs: number;
  /** Up to so much more, in milliseconds: what is sent later may come earlier. */
  readonly jitterMs: number;
  /** Chance that a message vanishes although it counts as sent. */
  readonly loss: number;
  /** Chance that a message comes twice. */
  readonly duplication: number;
  /** Chance that a bit of a message is turned over. */
  readonly corruption: number;
}

export interface LossyTransportOptions {
  readonly gateway: string;
  readonly centre: Centre;
  readonly clock: Clock;
  readonly random: SeededRandom;
  readonly quality?: Partial<LinkQuality>;
  readonly limits?: Partial<TransportLimits>;
}

const PERFECT: LinkQuality = { delayMs: 0, jitterMs: 0, loss: 0, duplication: 0, corruption: 0 };
const LIMITS: TransportLimits = { batchBytesMax: 65_536, batchesInFlightMax: 16, ackDeadlineMs: 20_000 };
/** A link on which nothing comes back for so long is given up. */
const SILENCE_MS = 20_000;

interface Session {
  readonly events: TransportEvents;
  /** Batches that are not handed on yet. */
  readonly unsent: Set<(error: Error) => void>;
  isOver: boolean;
}

/**
 * A transport inside the process, as bad as a link can be: messages are lost, delayed, reordered, doubled and damaged by
 * chance from a seed; the link can be cut, or fall silent with both sides believing it open.
 */
export class LossyTransport implements Transport {
  readonly kind = 'lossy';
  readonly url = 'lossy://centre';
  readonly limits: TransportLimits;
  readonly #options: LossyTransportOptions;
  #quality: LinkQuality;
  #session: Session | undefined;
  #isCut = false;
  #isFrozen = false;
  /** What has gone through, for tests. */
  readonly counts = { opened: 0, batches: 0, acks: 0 };

  constructor(options: LossyTransportOptions) {
    this.#options = options;
    this.#quality = { ...PERFECT, ...options.quality };
    this.limits = { ...LIMITS, ...options.limits };
  }

  /** Holds for what is sent from now on. */
  set quality(quality: Partial<LinkQuality>) {
    this.#quality = { ...PERFECT, ...quality };
  }

  /** Ends the session, and refuses new ones until `heal`. What has left already may still come. */
  cut(): void {
    this.#isCut = true;
    this.#end(new MooringError('LINK_DOWN', 'the link was cut'));
  }

  /** Half-open silence: whatever is sent is lost, and nobody is told, until `heal`. */
  freeze(): void {
    this.#isFrozen = true;
  }

  heal(): void {
    this.#isCut = false;
    this.#isFrozen = false;
  }

  get isOpen(): boolean {
    return this.#session !== undefined;
  }

  async open(events: TransportEvents, signal: AbortSignal): Promise<void> {
    assert(this.#session === undefined, 'a transport is opened once at a time');
    const { clock } = this.#options;
    if (this.#isFrozen) {
      await clock.sleep(SILENCE_MS, signal);
      throw new MooringError('LINK_SILENT', 'nobody answers');
    }
    await clock.sleep(this.#transitMs() + this.#transitMs(), signal);
    if (this.#isCut) throw new MooringError('LINK_DOWN', 'nobody is there');
    this.counts.opened += 1;
    this.#session = { events, unsent: new Set(), isOver: false };
  }

  async send(batch: Uint8Array): Promise<void> {
    const session = this.#session;
    if (session === undefined) throw new MooringError('LINK_DOWN', 'the link is not open');
    const { clock, centre, gateway } = this.#options;
    if (!this.#isFrozen) {
      this.#carry(batch, (bytes) => {
        this.counts.batches += 1;
        centre(gateway, bytes, (ack) => this.#return(session, ack));
      });
    }
    await new Promise<void>((resolve, reject) => {
      const cancel = this.#isFrozen
        ? clock.after(SILENCE_MS, () => this.#end(new MooringError('LINK_SILENT', 'nobody answers'), session))
        : clock.after(this.#transitMs() + this.#transitMs(), () => {
            session.unsent.delete(fail);
            resolve();
          });
      const fail = (error: Error): void => {
        cancel();
        reject(error);
      };
      session.unsent.add(fail);
    });
  }

  async close(): Promise<void> {
    const session = this.#session;
    if (session === undefined) return;
    this.#forget(session, new MooringError('LINK_DOWN', 'the link was closed'));
    await Promise.resolve();
  }

  /** An ack reaches only the session that its batch was sent in. */
  #return(session: Session, ack: Uint8Array): void {
    if (this.#isFrozen) return;
    this.#carry(ack, (bytes) => {
      if (session.isOver || this.#isFrozen) return;
      try {
        const decoded = decodeAck(bytes);
        this.counts.acks += 1;
        session.events.onAck(decoded);
      } catch (error) {
        if (!(error instanceof ProtocolError)) throw error;
      }
    });
  }

  /** Delivers a message as often, as late and as whole as chance has it. */
  #carry(bytes: Uint8Array, deliver: (bytes: Uint8Array) => void): void {
    const { clock, random } = this.#options;
    const { loss, duplication, corruption } = this.#quality;
    if (random.uniform() < loss) return;
    const copies = random.uniform() < duplication ? 2 : 1;
    for (let copy = 0; copy < copies; copy += 1) {
      const arriving = Uint8Array.from(bytes);
      if (random.uniform() < corruption) {
        const index = random.integer(arriving.length);
        arriving[index] = (arriving[index] ?? 0) ^ (1 << random.integer(8));
      }
      clock.after(this.#transitMs(), () => deliver(arriving));
    }
  }

  #transitMs(): number {
    return this.#quality.delayMs + this.#options.random.uniform() * this.#quality.jitterMs;
  }

  #end(error: Error, session: Session | undefined = this.#session): void {
    if (session === undefined || session.isOver) return;
    this.#forget(session, error);
    session.events.onDown(error);
  }

  #forget(session: Session, error: Error): void {
    session.isOver = true;
    if (this.#session === session) this.#session = undefined;
    for (const fail of session.unsent) fail(error);
    session.unsent.clear();
  }
}
