import { Aedes, type Client, type ConnectPacket, type PublishPacket } from 'aedes';
import { BOUNDS } from '../../protocol/record.ts';
import { parseTopic, topicOf } from '../../protocol/topics.ts';
import type { Clock } from '../../runtime/clock.ts';
import type { Log } from '../../runtime/log.ts';
import type { EmbeddedBrokerConfig } from '../config/types.ts';
import type { BatchReceiver, EmbeddedBrokerStatus, Ingest } from './ingest.ts';
import { Listener } from './listener.ts';
import { atMost } from './patience.ts';
import { Refusals } from './refusals.ts';
import { type Peer, type Publication, publishFault, subscribeFault } from './topic-rules.ts';

export interface EmbeddedBrokerOptions {
  readonly config: Pick<EmbeddedBrokerConfig, 'listen' | 'tls'>;
  readonly intake: BatchReceiver;
  readonly clock: Clock;
  readonly log: Log;
  /** Connections at once; beyond that new ones are closed. 1024 when left out. */
  readonly connectionsMax?: number;
  /** A client that does not read for this long while something is sent to it is closed; 5000 when left out. */
  readonly drainTimeoutMs?: number;
}

const CONNECTIONS_MAX = 1024;
/** A batch with its topic and packet number. */
const PACKET_BYTES_MAX = BOUNDS.batchBytes + 256;
const CLIENT_ID_CHARACTERS_MAX = 128;
/** A client must ask for a keep-alive, of at most this, so that a half-open connection ends. */
const KEEPALIVE_SECONDS_MAX = 600;
/** For the first packet of a connection, in milliseconds. */
const CONNECT_TIMEOUT_MS = 10_000;
const DRAIN_TIMEOUT_MS = 5000;
/** How long the last acks may take to leave, in milliseconds. */
const DRAIN_MS = 400;
/** States that are kept for who asks later: somebody on this machine may invent gateways. */
const STATES_MAX = 4096;
/** Handshakes of QoS 2 that a client may leave open: nobody needs any. */
const QOS2_OPEN_MAX = 8;
/**
 * How often the broker tells others that it lives, in milliseconds: there are none. Long, because it publishes the last
 * wills of connected clients when the wall clock jumps beyond three of these; and four fit into a timer.
 */
const HEARTBEAT_MS = 6 * 86_400_000;

/**
 * The broker that the centre carries: MQTT 3.1.1, sessions that end with their connection, and the rules about who
 * writes and reads what (`topic-rules.ts`). Ingest is a hook of it, not a client: a batch goes to the intake as soon as
 * its PUBACK is written, whatever subscribers do.
 */
export class EmbeddedBroker implements Ingest {
  readonly #intake: BatchReceiver;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #tls: boolean;
  readonly #refusals: Refusals;
  readonly #listener: Listener;
  readonly #drainTimeoutMs: number;
  readonly #peers = new WeakMap<object, Peer>();
  /** Topics with a retained message. */
  readonly #retained = new Set<string>();
  readonly #publishing = new Set<Promise<void>>();
  #aedes: Aedes | undefined;

  constructor({ config, intake, clock, log, connectionsMax, drainTimeoutMs }: EmbeddedBrokerOptions) {
    this.#intake = intake;
    this.#clock = clock;
    this.#log = log;
    this.#drainTimeoutMs = drainTimeoutMs ?? DRAIN_TIMEOUT_MS;
    this.#tls = config.tls !== undefined;
    this.#refusals = new Refusals(clock, log);
    this.#listener = new Listener({
      config,
      clock,
      log,
      refusals: this.#refusals,
      connectionsMax: connectionsMax ?? CONNECTIONS_MAX,
      packetBytesMax: PACKET_BYTES_MAX,
      onConnection: (connection, peer) => {
        this.#peers.set(connection, peer);
        if (this.#aedes === undefined) connection.destroy();
        else this.#aedes.handle(connection);
      },
    });
  }

  /** Throws `CONFIG_INVALID`, `CONFIG_UNREADABLE` or `SOCKET_FAILED`. */
  async open(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    this.#aedes = await this.#createBroker();
    await this.#listener.open();
    this.#log.info({ url: this.status().url }, 'the embedded broker listens');
  }

  status(): EmbeddedBrokerStatus {
    const { address } = this.#listener;
    const host = address?.host.includes(':') ? `[${address.host}]` : address?.host;
    return {
      mode: 'embedded',
      address,
      url: address === undefined ? undefined : `${this.#tls ? 'mqtts' : 'mqtt'}://${host}:${address.port}`,
      connections: this.#aedes?.connectedClients ?? 0,
      refused: this.#refusals.count,
    };
  }

  async close(): Promise<void> {
    const closed = this.#listener.close();
    await atMost(this.#clock, DRAIN_MS, Promise.all(this.#publishing));
    const aedes = this.#aedes;
    this.#aedes = undefined;
    if (aedes !== undefined) await new Promise<void>((resolve) => aedes.close(resolve));
    await closed;
  }

  async #createBroker(): Promise<Aedes> {
    const aedes = await Aedes.createBroker({
      // No limit: a message that waits for a slow reader would hold up everybody's. A client's own limit is its drain.
      concurrency: 0,
      heartbeatInterval: HEARTBEAT_MS,
      connectTimeout: CONNECT_TIMEOUT_MS,
      drainTimeout: this.#drainTimeoutMs,
      keepaliveLimit: KEEPALIVE_SECONDS_MAX,
      maxInflightInbound: QOS2_OPEN_MAX,
      maxClientsIdLength: CLIENT_ID_CHARACTERS_MAX,
      preConnect: (client, packet, done) => this.#onConnect(client, packet, done),
      authorizePublish: (client, packet, done) => this.#onPublish(client, packet, done),
      authorizeSubscribe: (client, subscription, done) => {
        const fault = subscribeFault(this.#peerOf(client), subscription.topic);
        if (fault !== undefined) this.#refuse(client, fault, subscription.topic);
        done(null, fault === undefined ? subscription : null);
      },
    });
    aedes.on('clientError', (client, err) => this.#log.debug({ client: client.id, err }, 'a client was closed'));
    aedes.on('connectionError', (_client, err) => this.#log.debug({ err }, 'a connection was closed'));
    return aedes;
  }

  /**
   * A session that outlives its connection would gather acks for a gateway that is gone, and there is no disk behind it:
   * every session is clean. A gateway's client ids are its own, so that it cannot take over another's connection.
   */
  #onConnect(client: Client, packet: ConnectPacket, done: (error: Error | null, success: boolean) => void): void {
    const peer = this.#peerOf(client);
    const { will } = packet;
    const tooLong = packet.clientId.length > CLIENT_ID_CHARACTERS_MAX ? 'the client id is too long' : undefined;
    const fault =
      tooLong ?? (will && publishFault(peer, publicationOf(will.topic, will.retain === true, will.payload)));
    if (fault !== undefined) {
      this.#refuse(client, fault, will?.topic);
      done(new Error(fault), false);
      return;
    }
    packet.clean = true;
    if (peer !== undefined && packet.clientId !== '') packet.clientId = `${peer}/${packet.clientId}`;
    done(null, true);
  }

  #onPublish(client: Client | null, packet: PublishPacket, done: (error?: Error | null) => void): void {
    const { topic, retain, payload } = packet;
    // Without a client it is a last will, which was looked at when its client connected.
    const publication = publicationOf(topic, retain, payload);
    const fault = client && (publishFault(this.#peerOf(client), publication) ?? this.#retain(publication));
    if (client !== null && typeof fault === 'string') {
      this.#refuse(client, fault, topic);
      done(new Error(fault));
      return;
    }
    done(null);
    const parsed = parseTopic(topic);
    if (parsed?.channel !== 'batch') return;
    const bytes = new Uint8Array(typeof payload === 'string' ? Buffer.from(payload) : payload);
    this.#intake.receive(parsed.gateway, bytes, (ack) => this.#publishAck(parsed.gateway, ack), { way: this });
  }

  /** Knows what the broker keeps. Why it may not keep more, or undefined. An empty message is what takes one away. */
  #retain({ topic, retain, payloadBytes }: Publication): string | undefined {
    if (!retain) return undefined;
    if (payloadBytes === 0) this.#retained.delete(topic);
    else if (this.#retained.size < STATES_MAX) this.#retained.add(topic);
    else if (!this.#retained.has(topic)) return 'too many states are kept';
    return undefined;
  }

  #publishAck(gateway: string, ack: Uint8Array): void {
    const aedes = this.#aedes;
    if (aedes === undefined) return;
    const topic = topicOf(gateway, 'ack');
    const payload = Buffer.from(ack);
    const published = new Promise<void>((resolve) => {
      // An ack that does not arrive is asked for again, by the batch that it answers.
      aedes.publish({ cmd: 'publish', topic, payload, qos: 1, retain: false, dup: false }, () => resolve());
    });
    this.#publishing.add(published);
    void published.then(() => this.#publishing.delete(published));
  }

  #peerOf(client: Client): Peer {
    return this.#peers.get(client.conn);
  }

  #refuse(client: Client, reason: string, topic: string | undefined): void {
    this.#refusals.add(reason, { client: client.id, gateway: this.#peerOf(client), topic });
  }
}

function publicationOf(topic: string, retain: boolean, payload: string | Uint8Array | undefined): Publication {
  return { topic, retain, payloadBytes: Buffer.byteLength(payload ?? '') };
}
