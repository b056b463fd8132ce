import { Backoff } from '../../../runtime/backoff.ts';
import { type Clock, withDeadline } from '../../../runtime/clock.ts';
import { MooringError } from '../../../runtime/errors.ts';
import type { Log } from '../../../runtime/log.ts';
import type { Random } from '../../../runtime/random.ts';
import { atMost } from '../../ingest/patience.ts';
import type { KafkaProducer, Produced } from './client.ts';
import { type Produce, type ProduceOutcome, ProduceRequest, type Slice } from './produce-request.ts';
import { fill, halvesOf, type Load, settle } from './send-load.ts';

export interface ProducerLineOptions {
  /** Of the client: `send`s of one producer that may be under way at once. */
  readonly sendsAtOnce: number;
  /**
   * Proves that the log is the one it was, then makes a producer. Rejects with `LOG_FAILED` where another try may do, with
   * another `MooringError` where nothing may be acknowledged any more.
   */
  readonly connect: () => Promise<KafkaProducer>;
  /** Bytes of the largest batch that a topic takes, once it is known. */
  readonly messageBytesMax: (topic: string) => number;
  /**
   * Called as a send begins; what it returns is asked whether the answer can be true, and throws `LOG_CHANGED` when it
   * cannot.
   */
  readonly beginSend: () => (produced: readonly Produced[]) => void;
  /** Nothing is produced any more. Called once. */
  readonly onFatal: (error: MooringError) => void;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** A producer and what is under way with it. */
interface Session {
  readonly producer: KafkaProducer;
  sends: number;
}

/** A client rejects a send within some 16 s, whatever the broker does; one that has not by then never will. */
const SEND_MS = 18_000;
/** How long the last producer may take to close, in milliseconds. */
const CLOSE_MS = 3000;
const RETRY = { firstMs: 200, maxMs: 5000 };

/**
 * Makes messages durable in Kafka, and says so only when they are. Requests that wait share the next send. After any
 * rejection the producer is thrown away and a new one sends the same messages again: they may then be there twice, and
 * are never acknowledged without being there (docs/decisions.md, Kafka clients). Nothing waits longer than its deadline,
 * and while there is no producer nothing waits at all.
 */
export class ProducerLine {
  readonly #options: ProducerLineOptions;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #backoff: Backoff;
  readonly #aborted = new AbortController();
  /** With what cancels their deadlines. */
  readonly #requests = new Map<ProduceRequest, () => void>();
  #queue: Slice[] = [];
  #session: Session | undefined;
  #connecting: Promise<void> | undefined;
  /** Why there is no producer, while that is the state of things. */
  #down: MooringError | undefined;
  /** A send has failed, and none has succeeded since. */
  #isFailing = false;
  #ended: MooringError | undefined;
  #onIdle: (() => void) | undefined;

  constructor(options: ProducerLineOptions) {
    this.#options = options;
    this.#clock = options.clock;
    this.#log = options.log;
    this.#backoff = new Backoff(RETRY, options.random);
  }

  get isUp(): boolean {
    return this.#session !== undefined;
  }

  /** Begins to connect, for ever. */
  open(): void {
    this.#reconnect(0);
  }

  /**
   * Resolves when every message is either durable or refused for good. Rejects with `LOG_FAILED` at once while there is no
   * producer, and at the deadline: any of them may be in the log then. Rejects with what was fatal for ever after that.
   */
  produce(given: Produce): Promise<ProduceOutcome> {
    return new Promise((resolve, reject) => {
      const refusal = this.#ended ?? this.#down;
      if (refusal !== undefined) {
        reject(refusal);
        return;
      }
      const request = new ProduceRequest(given, resolve, reject);
      this.#watchDeadline(request);
      this.#queue.push({ request, from: 0, to: request.messages.length, isAlone: false });
      this.#pump();
    });
  }

  /** Has the log proved to be the one it was before anything more is sent. */
  renew(): void {
    if (this.#session !== undefined) this.#giveUp(this.#session, 0);
  }

  /** Nothing is produced any more: whatever waits is rejected with this error, and whatever comes. */
  end(error: MooringError): void {
    if (this.#ended !== undefined) return;
    this.#ended = error;
    this.#aborted.abort();
    this.#failAll(error);
    if (this.#session !== undefined) this.#discard(this.#session);
  }

  /** Finishes what was accepted, each until its deadline at most, then lets the producer go. */
  async close(): Promise<void> {
    if (this.#requests.size > 0) await new Promise<void>((resolve) => (this.#onIdle = resolve));
    this.#ended ??= new MooringError('LOG_FAILED', 'the log is closed');
    this.#aborted.abort();
    if (this.#connecting !== undefined) await atMost(this.#clock, CLOSE_MS, this.#connecting);
    const session = this.#session;
    this.#session = undefined;
    if (session !== undefined)
      await atMost(
        this.#clock,
        CLOSE_MS,
        session.producer.close().catch(() => undefined),
      );
  }

  #pump(): void {
    const session = this.#session;
    if (session === undefined) return;
    while (session === this.#session && session.sends < this.#options.sendsAtOnce && this.#queue.length > 0) {
      const { load, rest } = fill(this.#queue, this.#options.messageBytesMax);
      this.#queue = rest;
      this.#sweep();
      if (load !== undefined) void this.#send(session, load);
    }
  }

  async #send(session: Session, load: Load): Promise<void> {
    session.sends += 1;
    const verify = this.#options.beginSend();
    let produced: readonly Produced[];
    try {
      produced = await withDeadline(this.#clock, SEND_MS, session.producer.send(load.messages), () => {
        return new MooringError('LOG_FAILED', 'the client has not answered for a send');
      });
      verify(produced);
      settle(load.slices, produced);
    } catch (error) {
      this.#failed(session, load, error);
      return;
    }
    session.sends -= 1;
    this.#sweep();
    this.#succeeded();
    this.#pump();
  }

  #succeeded(): void {
    if (this.#isFailing) this.#log.info({}, 'Kafka takes records again');
    this.#isFailing = false;
    this.#backoff.reset();
  }

  /** None of a send may be counted: its messages go again, with a new producer, before all others. */
  #failed(session: Session, { slices }: Load, error: unknown): void {
    if (!(error instanceof MooringError)) {
      for (const { request } of slices) request.fail(error as Error);
      this.#giveUp(session, 0);
      this.#sweep();
      return;
    }
    if (error.code !== 'LOG_FAILED' && error.code !== 'LOG_REFUSED') {
      this.#fatal(error);
      return;
    }
    const open = slices.filter(({ request }) => !request.isSettled);
    if (error.code === 'LOG_REFUSED') {
      this.#queue = [...this.#apart(open), ...this.#queue];
      this.#giveUp(session, 0);
      return;
    }
    this.#queue = [...open, ...this.#queue];
    if (!this.#isFailing && this.#ended === undefined) {
      this.#log.warn({ err: error }, 'Kafka does not take records; trying again with a new producer');
    }
    this.#isFailing = true;
    this.#giveUp(session, this.#backoff.nextMs());
  }

  /** Closes in on what was refused: first each slice alone, then halves, until one message is left that has to go. */
  #apart(slices: readonly Slice[]): Slice[] {
    const apart: Slice[] = [];
    for (const slice of slices) {
      const { request, from, to } = slice;
      // It comes to an end by itself, as each refusal leaves less to be refused.
      request.deadlineMs = Math.max(request.deadlineMs, this.#clock.monotonicMs() + SEND_MS);
      if (slices.length > 1) apart.push({ ...slice, isAlone: true });
      else if (to - from > 1) apart.push(...halvesOf(slice));
      else request.refused(from, false);
    }
    this.#sweep();
    return apart;
  }

  /** Whatever is still under way with a producer that is given up comes back by itself. */
  #giveUp(session: Session, waitMs: number): void {
    if (session !== this.#session) return;
    this.#discard(session);
    this.#reconnect(waitMs);
  }

  #discard(session: Session): void {
    this.#session = undefined;
    // Nobody waits for it, or hears what it says: with a broker that hangs it takes long.
    session.producer.close().catch(() => undefined);
  }

  #reconnect(waitMs: number): void {
    this.#connecting ??= this.#connect(waitMs);
  }

  async #connect(firstWaitMs: number): Promise<void> {
    const { signal } = this.#aborted;
    for (let waitMs = firstWaitMs; !signal.aborted; waitMs = this.#backoff.nextMs()) {
      try {
        if (waitMs > 0) await this.#clock.sleep(waitMs, signal);
        const producer = await this.#options.connect();
        this.#connected(producer);
        return;
      } catch (error) {
        if (signal.aborted) return;
        if (!(error instanceof MooringError)) throw error;
        this.#lost(error);
      }
    }
  }

  #connected(producer: KafkaProducer): void {
    this.#connecting = undefined;
    this.#session = { producer, sends: 0 };
    if (this.#aborted.signal.aborted) {
      this.#discard(this.#session);
      return;
    }
    if (this.#down !== undefined) this.#log.info({}, 'Kafka is back');
    this.#down = undefined;
    this.#pump();
  }

  #lost(error: MooringError): void {
    if (error.code !== 'LOG_FAILED') {
      this.#fatal(error);
      return;
    }
    if (this.#down === undefined) this.#log.warn({ err: error }, 'Kafka is out of reach; trying again');
    this.#down = error;
    this.#failAll(error);
  }

  #fatal(error: MooringError): void {
    if (this.#ended !== undefined) return;
    this.end(error);
    this.#options.onFatal(error);
  }

  #failAll(error: MooringError): void {
    this.#queue = [];
    for (const request of this.#requests.keys()) request.fail(error);
    this.#sweep();
  }

  /** Forgets what was answered. */
  #sweep(): void {
    for (const [request, cancel] of this.#requests) {
      if (!request.isSettled) continue;
      cancel();
      this.#requests.delete(request);
    }
    if (this.#requests.size === 0) this.#onIdle?.();
  }

  #watchDeadline(request: ProduceRequest): void {
    const cancel = this.#clock.after(request.deadlineMs - this.#clock.monotonicMs(), () => {
      if (request.deadlineMs > this.#clock.monotonicMs()) {
        this.#watchDeadline(request);
        return;
      }
      request.fail(new MooringError('LOG_FAILED', 'Kafka has not taken the records in time'));
      this.#queue = this.#queue.filter((slice) => slice.request !== request);
      this.#sweep();
    });
    this.#requests.set(request, cancel);
  }
}
