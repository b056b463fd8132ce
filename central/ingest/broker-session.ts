import { ErrorWithSubackPacket, type IClientPublishOptions, type MqttClient } from 'mqtt';
import { topicFilterOf } from '../../protocol/topics.ts';
import { type Clock, withDeadline } from '../../runtime/clock.ts';
import { MooringError } from '../../runtime/errors.ts';
import { PacketGuard } from './bounded-connection.ts';
import { atMost } from './patience.ts';

/**
 * Acks that the broker has not confirmed. They go with QoS 1 although a lost ack costs no record, because a window is
 * what keeps a slow broker from filling this process's memory: with QoS 0 there is nothing to wait for.
 */
const IN_FLIGHT_MAX = 100;
/** Acks that wait for room in that window. */
const WAITING_MAX = 4096;
/** How long the broker may take to confirm an ack, in milliseconds. */
const CONFIRM_MS = 30_000;
/**
 * Of what follows a packet's length. Somebody's broker passes on what it likes: a batch that is a little too large is
 * answered, and only what would fill the memory ends the connection.
 */
const PACKET_BYTES_MAX = 2 ** 20;
/** How long the broker may take to confirm the subscription, in milliseconds. */
const SUBSCRIBE_MS = 10_000;
/** How long the last bytes may take to leave, in milliseconds. */
const GOODBYE_MS = 400;
const QOS: IClientPublishOptions = { qos: 1 };
/** MQTT 3.1.1 section 3.2.2.3: bad user name or password, not authorised. */
const REFUSED: ReadonlySet<unknown> = new Set([4, 5]);

/** One connection to a broker, from its beginning to its end; what is in flight when it ends is forgotten. */
export class BrokerSession {
  readonly #client: MqttClient;
  readonly #clock: Clock;
  readonly #over = Promise.withResolvers<never>();
  readonly #waiting: { readonly topic: string; readonly payload: Buffer }[] = [];
  /** For each ack that is in flight, what cancels its deadline. */
  readonly #inFlight = new Set<() => void>();
  #onDrained: (() => void) | undefined;
  #isOver = false;

  /** @param client one that has only just been made, and does not reconnect by itself */
  constructor(client: MqttClient, clock: Clock) {
    this.#client = client;
    this.#clock = clock;
    // Whoever waits is told of the end; that nobody does is no error.
    this.#over.promise.catch(() => undefined);
    client.on('error', (error) => this.#ended(linkErrorOf(error)));
    client.on('close', () => this.#ended(new MooringError('LINK_DOWN', 'the broker closed the connection')));
    const guard = new PacketGuard(PACKET_BYTES_MAX);
    client.stream.on('data', (chunk: Uint8Array) => {
      if (guard.accept(chunk)) return;
      this.#ended(tooLarge());
      client.stream.destroy();
    });
  }

  /**
   * Resolves when batches are subscribed to. Rejects with `LINK_DOWN`, `LINK_REFUSED` or `LINK_SILENT`.
   * @param share name of a shared subscription: each batch comes to one of the sessions that say it. MQTT 5.0, section
   *   4.8.2; some brokers know it from 3.1.1 clients too. One that does not grants it all the same, and delivers nothing
   */
  async ready(share?: string): Promise<void> {
    const connected = new Promise<void>((resolve) => this.#client.once('connect', () => resolve()));
    await Promise.race([connected, this.#over.promise]);
    const filter = share === undefined ? topicFilterOf('batch') : `$share/${share}/${topicFilterOf('batch')}`;
    const subscribed = this.#client.subscribeAsync(filter, { qos: 1 }).catch((error: Error) => {
      throw error instanceof ErrorWithSubackPacket ? notGranted(filter, error) : linkErrorOf(error);
    });
    const granted = await withDeadline(
      this.#clock,
      SUBSCRIBE_MS,
      Promise.race([subscribed, this.#over.promise]),
      () => new MooringError('LINK_SILENT', 'the broker does not answer a subscription'),
    );
    if (granted.some(({ qos }) => qos !== 1)) throw notGranted(filter);
  }

  /** Rejects when the connection ends, with the reason; resolves never. */
  over(): Promise<never> {
    return this.#over.promise;
  }

  /** Sends an ack, or takes it for later. False when it was dropped. */
  publish(topic: string, ack: Uint8Array): boolean {
    if (this.#isOver || this.#waiting.length >= WAITING_MAX) return false;
    this.#waiting.push({ topic, payload: Buffer.from(ack) });
    this.#pump();
    return true;
  }

  /** Resolves when the broker has confirmed every ack, or the connection ends. */
  async drained(): Promise<void> {
    if (this.#inFlight.size === 0 || this.#isOver) return;
    await new Promise<void>((resolve) => (this.#onDrained = resolve));
  }

  /** Says goodbye where somebody listens, and lets go. */
  async end(): Promise<void> {
    const { stream } = this.#client;
    if (stream.closed) return;
    const closed = new Promise<void>((resolve) => stream.once('close', () => resolve()));
    this.#client.end(!this.#client.connected);
    await atMost(this.#clock, GOODBYE_MS, closed);
    stream.destroy();
  }

  #ended(error: MooringError): void {
    this.#isOver = true;
    for (const cancel of this.#inFlight) cancel();
    this.#over.reject(error);
    this.#onDrained?.();
  }

  #pump(): void {
    while (this.#inFlight.size < IN_FLIGHT_MAX && !this.#isOver) {
      const next = this.#waiting.shift();
      if (next === undefined) break;
      const cancel = this.#clock.after(CONFIRM_MS, () => this.#ended(unconfirmed()));
      this.#inFlight.add(cancel);
      this.#client.publish(next.topic, next.payload, QOS, () => {
        cancel();
        this.#inFlight.delete(cancel);
        this.#pump();
      });
    }
    if (this.#inFlight.size === 0) this.#onDrained?.();
  }
}

function unconfirmed(): MooringError {
  return new MooringError('LINK_SILENT', 'the broker does not confirm acks');
}

function tooLarge(): MooringError {
  return new MooringError('LINK_DOWN', 'the broker sends a packet that is too large', {
    context: { bytesMax: PACKET_BYTES_MAX },
    hint: 'Bound what it takes; Mosquitto: `message_size_limit 66000`.',
  });
}

function linkErrorOf(error: Error & { code?: unknown }): MooringError {
  if (error instanceof MooringError) return error;
  if (REFUSED.has(error.code)) return refused('the broker refuses the connection', error);
  if (/timeout/i.test(error.message)) return new MooringError('LINK_SILENT', 'the broker is silent', { cause: error });
  return new MooringError('LINK_DOWN', 'the broker cannot be reached', {
    cause: error,
    context: { reason: error.message || error.code },
  });
}

function notGranted(filter: string, cause?: Error): MooringError {
  const shared = filter.startsWith('$share/')
    ? 'A broker has to know shared subscriptions from MQTT 3.1.1 clients. '
    : '';
  return refused('the broker does not grant the subscription', cause, { filter, hint: shared });
}

function refused(
  message: string,
  cause?: Error,
  { filter, hint = '' }: Partial<Record<'filter' | 'hint', string>> = {},
) {
  return new MooringError('LINK_REFUSED', message, {
    ...(cause === undefined ? {} : { cause }),
    ...(filter === undefined ? {} : { context: { filter } }),
    hint: `${hint}Check \`user\`, \`password\` and the certificate, and what the broker lets this user read and write.`,
  });
}
