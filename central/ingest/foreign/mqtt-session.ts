import type { Duplex } from 'node:stream';
import { generate, type IConnackPacket, type ISubackPacket, type Packet, parser } from 'mqtt-packet';
import { type Clock, withDeadline } from '../../../runtime/clock.ts';
import { MooringError } from '../../../runtime/errors.ts';
import { PacketGuard } from '../bounded-connection.ts';
import { atMost } from '../patience.ts';
import type { Subscriptions } from './subscriptions.ts';

/** A message as the broker passes it on. */
export interface BrokerMessage {
  readonly topic: string;
  readonly payload: Uint8Array;
  /** To be acknowledged by; undefined with QoS 0. */
  readonly packetId: number | undefined;
  /** The broker may have sent it before. */
  readonly isRepeat: boolean;
  /** It is what the broker had kept of the topic, and was not sent now. */
  readonly isRetained: boolean;
}

export interface MqttSessionOptions {
  /** To the broker; it may not be connected yet. */
  readonly stream: Duplex;
  /** Names the session that the broker keeps while nobody is connected. */
  readonly clientId: string;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  readonly keepaliveSeconds: number;
  readonly clock: Clock;
  /** Called from the moment the broker has let us in: what it has kept comes before a subscription is confirmed. */
  readonly onMessage: (message: BrokerMessage) => void;
}

/** How long the broker may take to let us in and to confirm the subscriptions, in milliseconds. */
const READY_MS = 10_000;
/** Of what follows a packet's length: beyond it the connection ends, as nobody may fill the memory. */
const PACKET_BYTES_MAX = 16 * 2 ** 20;
/** How long the last bytes may take to leave, in milliseconds. */
const GOODBYE_MS = 400;
const PROTOCOL = { protocolId: 'MQTT', protocolVersion: 4 } as const;
/** MQTT 3.1.1 section 3.2.2.3: bad user name or password, not authorised. */
const REFUSED: ReadonlySet<number> = new Set([4, 5]);

/**
 * One connection to a broker by MQTT 3.1.1, whose session the broker keeps. It acknowledges nothing by itself: that is what
 * it is for, as MQTT.js acknowledges late one message after the other only.
 */
export class MqttSession {
  readonly #options: MqttSessionOptions;
  readonly #over = Promise.withResolvers<never>();
  readonly #aborted = new AbortController();
  readonly #answers = new Map<'connack' | 'suback' | 'unsuback', (packet: Packet) => void>();
  #cancelPing: (() => void) | undefined;
  #isPaused = false;
  #heardMs: number;

  constructor(options: MqttSessionOptions) {
    const { stream, clock } = options;
    this.#options = options;
    this.#heardMs = clock.monotonicMs();
    // Whoever waits is told of the end; that nobody does is no error.
    this.#over.promise.catch(() => undefined);
    const guard = new PacketGuard(PACKET_BYTES_MAX);
    const packets = parser(PROTOCOL);
    packets.on('packet', (packet) => this.#onPacket(packet));
    packets.on('error', (cause: Error) =>
      this.#ended(new MooringError('LINK_DOWN', 'the broker speaks no MQTT', { cause })),
    );
    stream.on('error', (cause: NodeJS.ErrnoException) => this.#ended(cannotReach(cause)));
    stream.on('close', () => this.#ended(new MooringError('LINK_DOWN', 'the broker closed the connection')));
    stream.on('data', (chunk: Buffer) => {
      this.#heardMs = clock.monotonicMs();
      if (guard.accept(chunk)) packets.parse(chunk);
      else this.#ended(tooLarge());
    });
  }

  /** Aborted when the connection ends. */
  get signal(): AbortSignal {
    return this.#aborted.signal;
  }

  /**
   * Resolves when every filter is subscribed to with QoS 1, and none besides that is known, with whether the broker had kept
   * the session. Rejects with `LINK_DOWN`, `LINK_REFUSED` or `LINK_SILENT`, and `STATE_FAILED` of `subscriptions`.
   */
  async ready(filters: readonly string[], subscriptions: Subscriptions): Promise<{ readonly isPresent: boolean }> {
    const { clock } = this.#options;
    const silent = (): MooringError => new MooringError('LINK_SILENT', 'the broker does not let us in');
    return await withDeadline(
      clock,
      READY_MS,
      Promise.race([this.#begin(filters, subscriptions), this.#over.promise]),
      silent,
    );
  }

  /** Rejects when the connection ends, with the reason; resolves never. */
  over(): Promise<never> {
    return this.#over.promise;
  }

  /** The broker forgets the message. */
  acknowledge(packetId: number): void {
    this.#send({ cmd: 'puback', messageId: packetId });
  }

  /** Says something with QoS 0. False where it is dropped, as the broker does not read. */
  publish(topic: string, payload: string): boolean {
    if (this.signal.aborted || this.#options.stream.writableNeedDrain) return false;
    this.#send({ cmd: 'publish', topic, payload, qos: 0, dup: false, retain: false });
    return true;
  }

  /** What the broker sends stays on the way. */
  pause(): void {
    this.#isPaused = true;
    this.#options.stream.pause();
  }

  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#heardMs = this.#options.clock.monotonicMs();
    this.#options.stream.resume();
  }

  /** Says goodbye where somebody listens, and lets go. The broker keeps the session. */
  async end(): Promise<void> {
    const { stream, clock } = this.#options;
    this.#cancelPing?.();
    if (stream.closed) return;
    if (!this.signal.aborted) {
      this.#send({ cmd: 'disconnect' });
      const gone = new Promise<void>((resolve) => stream.end(() => resolve()));
      await atMost(clock, GOODBYE_MS, Promise.race([gone, this.#over.promise.catch(() => undefined)]));
    }
    stream.destroy();
  }

  async #begin(filters: readonly string[], subscriptions: Subscriptions): Promise<{ readonly isPresent: boolean }> {
    const { clientId, username, password, keepaliveSeconds } = this.#options;
    const connack = (await this.#asked('connack', {
      cmd: 'connect',
      ...PROTOCOL,
      clientId,
      clean: false,
      keepalive: keepaliveSeconds,
      ...(username === undefined ? {} : { username }),
      ...(password === undefined ? {} : { password: Buffer.from(password) }),
    })) as IConnackPacket;
    const { returnCode = 0 } = connack;
    if (returnCode !== 0) throw refused('the broker refuses the connection', { returnCode }, REFUSED.has(returnCode));
    this.#pingLater();
    const { subscribe, unsubscribe } = await subscriptions.begin(filters, connack.sessionPresent);
    if (subscribe.length > 0) await this.#subscribe(subscribe);
    if (unsubscribe.length > 0)
      await this.#asked('unsuback', { cmd: 'unsubscribe', messageId: 2, unsubscriptions: [...unsubscribe] });
    await subscriptions.end(filters);
    return { isPresent: connack.sessionPresent };
  }

  async #subscribe(filters: readonly string[]): Promise<void> {
    const suback = (await this.#asked('suback', {
      cmd: 'subscribe',
      messageId: 1,
      subscriptions: filters.map((topic) => ({ topic, qos: 1 })),
    })) as ISubackPacket;
    const bad = filters.filter((_, index) => suback.granted[index] !== 1);
    if (bad.length > 0) throw refused('the broker does not grant a subscription with QoS 1', { filters: bad }, true);
  }

  #asked(answer: 'connack' | 'suback' | 'unsuback', packet: Packet): Promise<Packet> {
    const answered = new Promise<Packet>((resolve) => this.#answers.set(answer, resolve));
    this.#send(packet);
    return answered;
  }

  #send(packet: Packet): void {
    if (!this.signal.aborted) this.#options.stream.write(generate(packet, PROTOCOL));
  }

  #onPacket(packet: Packet): void {
    if (this.signal.aborted) return;
    if (packet.cmd === 'publish') {
      const { topic, payload, qos, messageId, dup: isRepeat, retain: isRetained } = packet;
      const bytes = typeof payload === 'string' ? Buffer.from(payload) : payload;
      const packetId = qos === 0 ? undefined : messageId;
      this.#options.onMessage({ topic, payload: bytes, packetId, isRepeat, isRetained });
    } else if (packet.cmd === 'connack' || packet.cmd === 'suback' || packet.cmd === 'unsuback') {
      this.#answers.get(packet.cmd)?.(packet);
    }
  }

  /** Also while nothing is read: the broker must not think that nobody is there. */
  #pingLater(): void {
    const { clock, keepaliveSeconds } = this.#options;
    const everyMs = (keepaliveSeconds * 1000) / 2;
    this.#cancelPing = clock.after(everyMs, () => {
      if (!this.#isPaused && clock.monotonicMs() - this.#heardMs > 3 * everyMs) {
        this.#ended(new MooringError('LINK_SILENT', 'the broker is silent'));
        return;
      }
      this.#send({ cmd: 'pingreq' });
      this.#pingLater();
    });
  }

  #ended(error: MooringError): void {
    this.#cancelPing?.();
    this.#over.reject(error);
    this.#aborted.abort();
    this.#options.stream.destroy();
  }
}

function cannotReach(cause: NodeJS.ErrnoException): MooringError {
  const context = { reason: cause.code ?? cause.message };
  return new MooringError('LINK_DOWN', 'the broker cannot be reached', { cause, context });
}

function tooLarge(): MooringError {
  return new MooringError('LINK_DOWN', 'the broker sends a packet that is too large', {
    context: { bytesMax: PACKET_BYTES_MAX },
    hint: 'Bound what it takes; Mosquitto: `message_size_limit`.',
  });
}

function refused(message: string, context: Readonly<Record<string, unknown>>, isRights: boolean): MooringError {
  const hint = 'Check `user`, `password` and the certificate, and what the broker lets this user read.';
  return new MooringError('LINK_REFUSED', message, { context, ...(isRights ? { hint } : {}) });
}
