import { connect as connectTcp, isIP } from 'node:net';
import type { Duplex } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import { Backoff } from '../../../runtime/backoff.ts';
import { type BrokerLogin, readBrokerLogin } from '../../../runtime/broker-login.ts';
import type { Clock } from '../../../runtime/clock.ts';
import type { BrokerClientConfig } from '../../../runtime/config/broker.ts';
import { MooringError } from '../../../runtime/errors.ts';
import type { Log } from '../../../runtime/log.ts';
import type { Random } from '../../../runtime/random.ts';
import { matchesFilter } from '../../config/sources/topic-filter.ts';
import { atMost } from '../patience.ts';
import { FirstReceipts } from './first-receipts.ts';
import type { ForeignTaken, MessageTaker, ReceivedMessage } from './foreign-intake.ts';
import { foreignReplyOf } from './foreign-reply.ts';
import { type BrokerMessage, MqttSession } from './mqtt-session.ts';
import { Subscriptions } from './subscriptions.ts';

export interface MqttSourceOptions {
  /** Key of `sources`. */
  readonly source: string;
  readonly broker: BrokerClientConfig;
  /** The same at every start, and nobody else's: the broker keeps a session under it. */
  readonly clientId: string;
  /** Topic filters; what the broker lets through with QoS 0 is taken too. */
  readonly topics: readonly string[];
  /** Messages that are read and not stored yet; beyond that nothing more is read. At least what the broker sends at once. */
  readonly window: number;
  /** Tells of each message once it is durable; `uuid`: nothing but the id of each record. QoS 0. */
  readonly reply?: { readonly topic: string; readonly form: 'json' | 'uuid' } | undefined;
  /** Where it is kept what the session is subscribed to; left out: nowhere, and a restart subscribes again. */
  readonly subscriptionsFile?: string | undefined;
  readonly intake: MessageTaker;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** 15 if left out. */
  readonly keepaliveSeconds?: number;
  /** Left out: this machine's network. */
  readonly connect?: ConnectBroker;
}

export type ConnectBroker = (url: string, login: BrokerLogin) => Duplex;

export interface MqttSourceStatus {
  readonly isConnected: boolean;
  readonly received: number;
  /** Of these, messages that the broker may have sent before. */
  readonly repeated: number;
  readonly acknowledged: number;
  /** Messages of topics that no filter takes any more: acknowledged, and nothing else. */
  readonly ignored: number;
  /** Messages that are read and not stored yet. */
  readonly waiting: number;
  readonly replies: number;
}

const BACKOFF = { firstMs: 500, maxMs: 30_000 };
const KEEPALIVE_SECONDS = 15;
/** How long what was read may take to be stored as it closes, in milliseconds; the broker sends the rest again. */
const DRAIN_MS = 2000;

/** Of messages that are read and not stored yet; beyond that nothing more is read, whatever the window. */
const HELD_BYTES_MAX = 16 * 2 ** 20;

const NOTHING: ForeignTaken = { isTaken: true, records: [], refused: [] };

interface Held {
  readonly packetId: number | undefined;
  readonly bytes: number;
  isDone: boolean;
}

/**
 * Messages of existing devices from a broker. A message is acknowledged once all that can be used of it is in the log and
 * the rest in the dead letter, and not before: an outage of ours leaves it with the broker, which keeps the session, as far
 * as its own limits go.
 */
export class MqttSource {
  readonly #options: MqttSourceOptions;
  readonly #log: Log;
  readonly #backoff: Backoff;
  readonly #aborted = new AbortController();
  readonly #receipts = new FirstReceipts();
  readonly #counts = { received: 0, repeated: 0, acknowledged: 0, ignored: 0, replies: 0 };
  readonly #subscriptions: Subscriptions;
  readonly #filters: readonly string[];
  /** Of the present connection, in the order of receipt, which is that of the acknowledgements (MQTT 3.1.1 section 4.6). */
  #held: Held[] = [];
  #heldBytes = 0;
  /** What came in one piece with the last that the window had room for: a broker may send more at once than was asked for. */
  #backlog: BrokerMessage[] = [];
  #work: Promise<void> = Promise.resolve();
  #session: MqttSession | undefined;
  #onDrained: (() => void) | undefined;
  #isDown = false;
  #hasSession = false;

  constructor(options: MqttSourceOptions) {
    const { broker, clientId, topics, subscriptionsFile } = options;
    this.#options = options;
    this.#log = options.log.child({ source: options.source });
    this.#subscriptions = new Subscriptions(`${broker.url} ${clientId}`, subscriptionsFile);
    // Of a shared subscription the filter is what stands behind the group.
    this.#filters = topics.map((topic) => topic.replace(/^\$share\/[^/]+\//, ''));
    this.#backoff = new Backoff(BACKOFF, options.random);
  }

  /**
   * Begins to connect, for ever. Throws `CONFIG_UNREADABLE` or `CONFIG_INVALID` for a file that the connection needs, and
   * `STATE_FAILED`.
   */
  async open(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    await readBrokerLogin(this.#options.broker);
    await this.#subscriptions.open();
    this.#work = this.#run();
  }

  status(): MqttSourceStatus {
    return {
      isConnected: this.#session !== undefined,
      ...this.#counts,
      waiting: this.#held.length + this.#backlog.length,
    };
  }

  /** Reads nothing more, acknowledges what is stored within a moment, and lets go. */
  async close(): Promise<void> {
    const session = this.#session;
    if (session !== undefined && this.#held.length > 0) {
      session.pause();
      const drained = new Promise<void>((resolve) => (this.#onDrained = resolve));
      await atMost(this.#options.clock, DRAIN_MS, drained);
    }
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
      this.#held = [];
      this.#heldBytes = 0;
      this.#backlog = [];
      this.#onDrained?.();
      await this.#pause(signal);
    }
  }

  /** One connection, from its beginning to its end. */
  async #serve(signal: AbortSignal): Promise<void> {
    const { broker, clientId, topics, clock, keepaliveSeconds = KEEPALIVE_SECONDS } = this.#options;
    const login = await readBrokerLogin(broker);
    const session: MqttSession = new MqttSession({
      stream: (this.#options.connect ?? connectBroker)(broker.url, login),
      clientId,
      username: login.username,
      password: login.password,
      keepaliveSeconds,
      clock,
      onMessage: (message) => this.#onMessage(session, message),
    });
    const stop = (): void => void session.end();
    signal.addEventListener('abort', stop, { once: true });
    try {
      const { isPresent } = await session.ready(topics, this.#subscriptions);
      if (!signal.aborted) this.#connected(session, isPresent);
      await session.over();
    } finally {
      signal.removeEventListener('abort', stop);
      await session.end();
    }
  }

  #onMessage(session: MqttSession, message: BrokerMessage): void {
    this.#counts.received += 1;
    if (message.isRepeat) this.#counts.repeated += 1;
    if (this.#isFull || this.#backlog.length > 0) this.#backlog.push(message);
    else this.#begin(session, message);
    if (this.#isFull) session.pause();
  }

  #begin(session: MqttSession, said: BrokerMessage): void {
    const { topic, payload, packetId, isRetained } = said;
    const held: Held = { packetId, bytes: payload.length, isDone: false };
    this.#held.push(held);
    this.#heldBytes += held.bytes;
    const receivedAtMs = this.#receipts.receivedAtMs(said, this.#options.clock.wallMs());
    const message = { bytes: payload, topic, receivedAtMs, isRetained };
    if (!this.#filters.some((filter) => matchesFilter(filter, topic))) {
      this.#counts.ignored += 1;
      this.#done(session, message, held, NOTHING);
      return;
    }
    void this.#take(session, message, held);
  }

  /** Again and again, until it is taken or its connection is over: the broker has it as long. */
  async #take(session: MqttSession, message: ReceivedMessage, held: Held): Promise<void> {
    const { intake, clock } = this.#options;
    for (;;) {
      const outcome = await intake.take(message);
      if (session.signal.aborted) return;
      if (outcome.isTaken) {
        this.#done(session, message, held, outcome);
        return;
      }
      try {
        await clock.sleep(outcome.retryAfterMs, session.signal);
      } catch (error) {
        if (session.signal.aborted) return;
        throw error;
      }
    }
  }

  #done(session: MqttSession, message: ReceivedMessage, held: Held, outcome: ForeignTaken): void {
    held.isDone = true;
    for (const text of this.#repliesOf(message, outcome)) {
      if (session.publish(this.#options.reply?.topic ?? '', text)) this.#counts.replies += 1;
    }
    const first = this.#held.findIndex(({ isDone }) => !isDone);
    const done = this.#held.splice(0, first < 0 ? this.#held.length : first);
    for (const { packetId, bytes } of done) {
      this.#heldBytes -= bytes;
      if (packetId === undefined) continue;
      session.acknowledge(packetId);
      this.#counts.acknowledged += 1;
    }
    if (this.#held.length === 0) this.#onDrained?.();
    if (this.#onDrained === undefined) this.#goOn(session);
  }

  #goOn(session: MqttSession): void {
    while (!this.#isFull) {
      const next = this.#backlog.shift();
      if (next === undefined) {
        session.resume();
        return;
      }
      this.#begin(session, next);
    }
  }

  get #isFull(): boolean {
    return this.#held.length >= this.#options.window || this.#heldBytes >= HELD_BYTES_MAX;
  }

  #repliesOf(message: ReceivedMessage, outcome: ForeignTaken): readonly string[] {
    const { reply, source } = this.#options;
    if (reply === undefined) return [];
    if (reply.form === 'uuid') return outcome.records.map(({ id }) => id);
    const said = foreignReplyOf(source, message, outcome);
    return said === undefined ? [] : [JSON.stringify(said)];
  }

  #connected(session: MqttSession, isPresent: boolean): void {
    const { topics } = this.#options;
    this.#session = session;
    this.#log.info({ topics, isPresent }, this.#isDown ? 'the broker of a source is back' : 'a source has its broker');
    if (this.#hasSession && !isPresent) {
      this.#log.warn({}, 'the broker has forgotten the session of a source: what it had not delivered is lost');
    }
    this.#hasSession = true;
    this.#isDown = false;
    this.#backoff.reset();
  }

  #lost(error: unknown): void {
    if (!(error instanceof MooringError)) throw error;
    if (!this.#isDown && !this.#aborted.signal.aborted) {
      const { url } = this.#options.broker;
      this.#log.warn({ err: error, broker: url }, 'the broker of a source is out of reach; trying again');
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

const PORTS: Readonly<Record<string, number>> = { 'mqtt:': 1883, 'mqtts:': 8883 };

const connectBroker: ConnectBroker = (url, login) => {
  const { protocol, hostname, port } = new URL(url);
  const host = hostname.replace(/^\[|\]$/g, '');
  const place = { host, port: port === '' ? (PORTS[protocol] as number) : Number(port), noDelay: true };
  if (protocol === 'mqtt:') return connectTcp(place);
  const { ca, cert, key } = login;
  return connectTls({
    ...place,
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(isIP(host) === 0 ? { servername: host } : {}),
  });
};
