import { connect } from 'mqtt';
import { parseTopic, topicOf } from '../../protocol/topics.ts';
import { Backoff } from '../../runtime/backoff.ts';
import type { Clock } from '../../runtime/clock.ts';
import type { BrokerClientConfig } from '../../runtime/config/broker.ts';
import { MooringError } from '../../runtime/errors.ts';
import type { Log } from '../../runtime/log.ts';
import type { Random } from '../../runtime/random.ts';
import type { MqttClientConfig } from '../config/types.ts';
import { loginOf } from './broker-login.ts';
import { BrokerSession } from './broker-session.ts';
import type { BatchReceiver, BrokerLinkStatus, Ingest } from './ingest.ts';
import { atMost } from './patience.ts';

export interface BrokerLinkOptions {
  readonly config: BrokerClientConfig & Partial<Pick<MqttClientConfig, 'share'>>;
  readonly intake: BatchReceiver;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** A half-open link is asked after this time and given up after half of it more, in seconds; 15 when left out. */
  readonly keepaliveSeconds?: number;
}

const BACKOFF = { firstMs: 500, maxMs: 30_000 };
const KEEPALIVE_SECONDS = 15;
/** How long the broker may take to confirm the last acks, in milliseconds. */
const DRAIN_MS = 400;

/** Ingest as a client of somebody's broker: a clean session, for ever reconnected. An outage loses acks and no records. */
export class BrokerLink implements Ingest {
  readonly #options: BrokerLinkOptions;
  readonly #log: Log;
  readonly #backoff: Backoff;
  readonly #aborted = new AbortController();
  #work: Promise<void> = Promise.resolve();
  #session: BrokerSession | undefined;
  #isDown = false;
  /** Of this connection; an outage is told for itself. */
  #isDropping = false;
  #acksDropped = 0;

  constructor(options: BrokerLinkOptions) {
    this.#options = options;
    this.#log = options.log.child({ broker: options.config.url });
    this.#backoff = new Backoff(BACKOFF, options.random);
  }

  /** Begins to connect. Throws `CONFIG_UNREADABLE` or `CONFIG_INVALID` for a file that the connection needs. */
  async open(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    await loginOf(this.#options.config);
    this.#work = this.#run();
  }

  status(): BrokerLinkStatus {
    return {
      mode: 'client',
      url: this.#options.config.url,
      isConnected: this.#session !== undefined,
      acksDropped: this.#acksDropped,
    };
  }

  async close(): Promise<void> {
    if (this.#session !== undefined) await atMost(this.#options.clock, DRAIN_MS, this.#session.drained());
    this.#aborted.abort();
    await this.#work;
  }

  async #run(): Promise<void> {
    const { signal } = this.#aborted;
    while (!signal.aborted) {
      try {
        await this.#serve(signal);
      } catch (error) {
        this.#lost(error);
      }
      this.#session = undefined;
      await this.#pause(signal);
    }
  }

  /** One connection, from its beginning to its end. */
  async #serve(signal: AbortSignal): Promise<void> {
    const { config, clock, random, keepaliveSeconds } = this.#options;
    const client = connect(config.url, {
      ...(await loginOf(config)),
      clientId: `mooring-central-${Buffer.from(random.bytes(6)).toString('hex')}`,
      keepalive: keepaliveSeconds ?? KEEPALIVE_SECONDS,
    });
    const session = new BrokerSession(client, clock);
    const stop = (): void => void session.end();
    signal.addEventListener('abort', stop, { once: true });
    try {
      client.on('message', (topic, payload) => this.#onMessage(session, topic, payload));
      await session.ready(config.share);
      if (!signal.aborted) this.#connected(session);
      await session.over();
    } finally {
      signal.removeEventListener('abort', stop);
      await session.end();
    }
  }

  #onMessage(session: BrokerSession, topic: string, payload: Uint8Array): void {
    const parsed = parseTopic(topic);
    if (parsed?.channel !== 'batch') return;
    const answer = (ack: Uint8Array): void => {
      // An answer may take hours: it goes through whatever connection there is then.
      const current = this.#session ?? session;
      if (!current.publish(topicOf(parsed.gateway, 'ack'), ack)) this.#dropped(current);
    };
    this.#options.intake.receive(parsed.gateway, new Uint8Array(payload), answer, { way: this });
  }

  /** Its gateway will send the batch again. */
  #dropped(session: BrokerSession): void {
    this.#acksDropped += 1;
    if (this.#isDropping || session !== this.#session) return;
    this.#isDropping = true;
    this.#log.warn({}, 'acks are dropped, as the broker does not confirm those before');
  }

  #connected(session: BrokerSession): void {
    this.#session = session;
    this.#log.info({}, this.#isDown ? 'the broker is back' : 'connected to the broker');
    this.#isDown = false;
    this.#isDropping = false;
    this.#backoff.reset();
  }

  #lost(error: unknown): void {
    if (!(error instanceof MooringError)) throw error;
    if (!this.#isDown && !this.#aborted.signal.aborted) {
      this.#log.warn({ err: error }, 'the broker is out of reach; trying again');
    }
    this.#isDown = true;
  }

  async #pause(signal: AbortSignal): Promise<void> {
    try {
      await this.#options.clock.sleep(this.#backoff.nextMs(), signal);
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }
}
