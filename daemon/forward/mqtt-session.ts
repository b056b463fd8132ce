import assert from 'node:assert/strict';
import { Socket } from 'node:net';
import { connect, type IClientOptions, type MqttClient } from 'mqtt';
import { decodeAck } from '../../protocol/ack-codec.ts';
import { ProtocolError } from '../../protocol/errors.ts';
import { topicOf } from '../../protocol/topics.ts';
import type { Clock } from '../../runtime/clock.ts';
import { MooringError } from '../../runtime/errors.ts';
import type { Log } from '../../runtime/log.ts';
import { linkErrorOf, silentBroker, subscribeErrorOf } from './mqtt-errors.ts';
import type { TransportEvents } from './transport.ts';

export interface MqttSessionOptions {
  readonly url: string;
  readonly gateway: string;
  /** Name of the forwarder. */
  readonly name: string;
  /** Client id, certificates and login. */
  readonly client: IClientOptions;
  readonly events: TransportEvents;
  readonly clock: Clock;
  readonly log: Log;
}

/** From the first packet to the subscription's grant. */
const OPEN_DEADLINE_MS = 15_000;
/** How long a batch may wait while nothing at all is acknowledged by the broker. */
const PUBACK_DEADLINE_MS = 20_000;
const WATCH_MS = 1000;
const KEEPALIVE_S = 15;
/** A broker takes until 1.5 × keep-alive to publish the last will of an earlier session; after that, "online" again. */
const REBIRTH_MS = 60_000;
const GOODBYE_MS = 400;
const CLOSE_MS = 300;
/** MQTT.js's own timer, which no clock steps; ours is always sooner. */
const CONNECT_TIMEOUT_MS = 60_000;

/**
 * One MQTT connection, from its opening to its end; never used again. MQTT.js is only its packet layer: it queues nothing,
 * reconnects never, and no promise here depends on a callback of it.
 */
export class MqttSession {
  readonly #options: MqttSessionOptions;
  readonly #client: MqttClient;
  readonly #unsent = new Map<symbol, { readonly sentMs: number; readonly reject: (error: Error) => void }>();
  readonly #ended = Promise.withResolvers<MooringError>();
  readonly #timers = new Set<() => void>();
  #lastPubackMs = Number.NEGATIVE_INFINITY;
  #isOpen = false;
  #error: MooringError | undefined;
  #hasSaidBadAck = false;

  constructor(options: MqttSessionOptions) {
    this.#options = options;
    const { clock, gateway } = options;
    this.#client = connect(options.url, {
      ...options.client,
      protocolVersion: 4,
      clean: true,
      reconnectPeriod: 0,
      resubscribe: false,
      queueQoSZero: false,
      keepalive: KEEPALIVE_S,
      // Acks that go out must not hide that nothing comes in.
      reschedulePings: false,
      timerVariant: repeating(clock),
      connectTimeout: CONNECT_TIMEOUT_MS,
      will: { topic: topicOf(gateway, 'state'), payload: this.#state('offline'), qos: 1, retain: true },
    });
    this.#client.on('error', (error) => this.#end(linkErrorOf(error)));
    this.#client.on('close', () => this.#end(new MooringError('LINK_DOWN', 'the broker closed the connection')));
    this.#client.on('message', (topic, payload) => {
      if (topic === topicOf(gateway, 'ack')) this.#receive(payload);
    });
  }

  /** Resolves when acks are subscribed to. Rejects with why not, or with the signal's reason. */
  async open(signal: AbortSignal): Promise<void> {
    const onAbort = (): void => this.#end(linkErrorOf(signal.reason));
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
    const cancel = this.#after(OPEN_DEADLINE_MS, () => this.#end(silentBroker('connect')));
    const failed = this.#ended.promise.then((error) => {
      throw error;
    });
    try {
      await Promise.race([this.#connectAndSubscribe(), failed]);
    } finally {
      failed.catch(() => undefined);
      cancel();
      signal.removeEventListener('abort', onAbort);
    }
    if (this.#error !== undefined) throw this.#error;
    this.#isOpen = true;
    this.#sayOnline();
    this.#after(REBIRTH_MS, () => this.#sayOnline());
    this.#watch();
  }

  /** Resolves at the broker's PUBACK. */
  async send(batch: Uint8Array): Promise<void> {
    if (this.#error !== undefined || !this.#isOpen) throw this.#error ?? notOpen();
    const ticket = Symbol();
    const { clock, gateway } = this.#options;
    await new Promise<void>((resolve, reject) => {
      this.#unsent.set(ticket, { sentMs: clock.monotonicMs(), reject });
      const payload = Buffer.from(batch.buffer, batch.byteOffset, batch.byteLength);
      this.#client.publish(topicOf(gateway, 'batch'), payload, { qos: 1 }, (error) => {
        this.#unsent.delete(ticket);
        this.#lastPubackMs = clock.monotonicMs();
        if (error) reject(linkErrorOf(error));
        else resolve();
      });
    });
  }

  /** Says goodbye where that is possible at once, and lets the connection go. */
  async close(): Promise<void> {
    const { clock, gateway } = this.#options;
    const canSpeak = this.#isOpen && this.#error === undefined;
    this.#fail(new MooringError('LINK_DOWN', 'the link was closed'));
    if (canSpeak) {
      const said = new Promise<void>((resolve) => {
        const options = { qos: 1, retain: true } as const;
        this.#client.publish(topicOf(gateway, 'state'), this.#state('offline'), options, () => resolve());
      });
      await within(clock, GOODBYE_MS, said);
      const left = new Promise<void>((resolve) => void this.#client.end(false, () => resolve()));
      await within(clock, CLOSE_MS, left);
    }
    // Once more, by force: a broker that does not take the goodbye publishes the last will instead.
    destroy(this.#client);
  }

  async #connectAndSubscribe(): Promise<void> {
    await new Promise<void>((resolve) => this.#client.once('connect', () => resolve()));
    // An alarm must not wait for the answer to an earlier segment.
    if (this.#client.stream instanceof Socket) this.#client.stream.setNoDelay(true);
    const topic = topicOf(this.#options.gateway, 'ack');
    try {
      await this.#client.subscribeAsync(topic, { qos: 1 });
    } catch (error) {
      throw subscribeErrorOf(error);
    }
  }

  #receive(payload: Uint8Array): void {
    if (!this.#isOpen || this.#error !== undefined) return;
    try {
      this.#options.events.onAck(decodeAck(payload));
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      if (!this.#hasSaidBadAck) this.#options.log.warn({ err: error }, 'something else than an ack came as one');
      this.#hasSaidBadAck = true;
    }
  }

  /** Not waited for: a lost birth costs nothing, and a broker that takes none takes no batch either. */
  #sayOnline(): void {
    const topic = topicOf(this.#options.gateway, 'state');
    this.#client.publish(topic, this.#state('online'), { qos: 1, retain: true }, () => undefined);
  }

  #state(state: 'online' | 'offline'): string {
    return JSON.stringify({ state, forwarder: this.#options.name });
  }

  /** Ends a session on which no batch gets through although the connection seems to stand. */
  #watch(): void {
    this.#after(WATCH_MS, () => {
      const [oldest] = this.#unsent.values();
      const nowMs = this.#options.clock.monotonicMs();
      if (oldest !== undefined && nowMs - Math.max(oldest.sentMs, this.#lastPubackMs) >= PUBACK_DEADLINE_MS) {
        this.#end(silentBroker('publish'));
      } else this.#watch();
    });
  }

  #end(error: MooringError): void {
    if (this.#error !== undefined) return;
    const wasOpen = this.#isOpen;
    this.#fail(error);
    destroy(this.#client);
    if (wasOpen) this.#options.events.onDown(error);
  }

  #fail(error: MooringError): void {
    this.#error ??= error;
    this.#ended.resolve(error);
    for (const cancel of this.#timers) cancel();
    this.#timers.clear();
    for (const { reject } of this.#unsent.values()) reject(error);
    this.#unsent.clear();
  }

  #after(durationMs: number, action: () => void): () => void {
    const cancel = this.#options.clock.after(durationMs, () => {
      this.#timers.delete(cancel);
      action();
    });
    this.#timers.add(cancel);
    return () => {
      this.#timers.delete(cancel);
      cancel();
    };
  }
}

/** MQTT.js's keep-alive on our clock. */
function repeating(clock: Clock): NonNullable<Exclude<IClientOptions['timerVariant'], string>> {
  const timers = new Map<number, () => void>();
  let last = 0;
  return {
    set(action, everyMs) {
      assert(typeof action === 'function' && everyMs !== undefined);
      last += 1;
      const id = last;
      const next = (): void => {
        timers.set(
          id,
          clock.after(everyMs, () => {
            next();
            action();
          }),
        );
      };
      next();
      return id;
    },
    clear(id) {
      if (id === undefined) return;
      timers.get(id)?.();
      timers.delete(id);
    },
  };
}

function destroy(client: MqttClient): void {
  client.end(true);
  client.stream.destroy();
}

function notOpen(): MooringError {
  return new MooringError('LINK_DOWN', 'the link is not open');
}

/** Resolves when `work` is done or the time is up. */
async function within(clock: Clock, durationMs: number, work: Promise<void>): Promise<void> {
  const timeUp = Promise.withResolvers<void>();
  const cancel = clock.after(durationMs, timeUp.resolve);
  await Promise.race([work, timeUp.promise]);
  cancel();
}
