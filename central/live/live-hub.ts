import type { Clock } from '../../runtime/clock.ts';
import type { ListenAddress } from '../../runtime/config/values.ts';
import type { FlatRecord } from '../recordlog/recordlog.ts';
import { LiveClient, type LiveClientOptions } from './live-client.ts';
import { LiveHistory } from './live-history.ts';
import { LiveMessages } from './live-message.ts';

export interface LiveHubOptions {
  readonly clock: Clock;
  /** How long messages are kept for whoever connects, in milliseconds. */
  readonly historyMs: number;
  /** Of one client, in bytes. */
  readonly queueBytes: number;
  /** Of the history; 16 MiB when left out. */
  readonly historyBytes?: number;
}

export interface HubStatus {
  readonly clients: number;
  /** Messages that clients were not sent, because they did not read. */
  readonly dropped: number;
  /** Messages for whoever connects now. */
  readonly history: number;
}

const HISTORY_BYTES = 16 * 2 ** 20;
/** Messages that come within so long leave together, in milliseconds. */
const GATHER_MS = 20;

export interface LiveStatus extends HubStatus {
  /** Undefined until it listens, and after it was closed. */
  readonly address: ListenAddress | undefined;
}

/** From records to everybody who listens. */
export class LiveHub {
  readonly #options: LiveHubOptions;
  readonly #messages = new LiveMessages();
  readonly #history: LiveHistory;
  readonly #clients = new Set<LiveClient>();
  #droppedByOthers = 0;
  #cancelPump: (() => void) | undefined;

  constructor(options: LiveHubOptions) {
    const { historyMs, historyBytes = HISTORY_BYTES } = options;
    this.#options = options;
    this.#history = new LiveHistory({
      durationMs: historyMs,
      bytesMax: historyBytes,
      onForgotten: (position, message) => {
        for (const client of this.#clients) client.forgotten(position, message);
      },
    });
  }

  status(): HubStatus {
    const dropped = [...this.#clients].reduce((sum, client) => sum + client.droppedEver, this.#droppedByOthers);
    return { clients: this.#clients.size, dropped, history: this.#history.end - this.#history.first };
  }

  /** @param json `flat` as JSON */
  publish(flat: FlatRecord, json: string): void {
    const { clock } = this.#options;
    const message = this.#messages.messageOf(flat, json, clock.wallMs());
    this.#history.add(message, clock.monotonicMs());
    for (const client of this.#clients) client.added(message);
    this.#cancelPump ??= clock.after(GATHER_MS, () => this.#pump());
  }

  /** Somebody who listens from now on, and is sent the history first. */
  join(options: Pick<LiveClientOptions, 'socket' | 'bytesOf' | 'droppedOf'>): LiveClient {
    const { clock, queueBytes } = this.#options;
    this.#history.forget(clock.monotonicMs());
    const client = new LiveClient({ ...options, history: this.#history, clock, queueBytes });
    this.#clients.add(client);
    client.pump();
    return client;
  }

  leave(client: LiveClient): void {
    if (this.#clients.delete(client)) this.#droppedByOthers += client.droppedEver;
  }

  close(): void {
    this.#cancelPump?.();
  }

  #pump(): void {
    this.#cancelPump = undefined;
    for (const client of this.#clients) client.pump();
  }
}
