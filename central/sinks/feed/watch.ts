import type { Clock } from '../../../runtime/clock.ts';
import { MooringError } from '../../../runtime/errors.ts';
import type { KafkaAdmin, KafkaClient } from '../../recordlog/kafka/client.ts';
import { type Survey, survey } from './survey.ts';

export interface WatchOptions {
  readonly client: KafkaClient;
  readonly topic: string;
  readonly partitions: number;
  readonly clock: Clock;
}

export interface WatchEvents {
  /** May throw a `MooringError`. */
  readonly onLook: (found: Survey) => void;
  /** It could not look: Kafka does not answer. */
  readonly onAway: (error: MooringError) => void;
  /** The log is not what it has to be, as `onLook` or Kafka says. Nothing follows it. */
  readonly onUnfit: (error: MooringError) => void;
}

/** How often the log is looked at, in milliseconds. */
const INTERVAL_MS = 10_000;

/** Looks at a topic now and then: a consumer need not notice that it was deleted, and begun anew. */
export class Watch {
  readonly #options: WatchOptions;
  readonly #aborted = new AbortController();
  #admin: KafkaAdmin | undefined;
  #work: Promise<void> = Promise.resolve();

  constructor(options: WatchOptions) {
    this.#options = options;
  }

  get admin(): KafkaAdmin {
    this.#admin ??= this.#options.client.createAdmin();
    return this.#admin;
  }

  look(): Promise<Survey> {
    return survey(this.admin, this.#options.topic, this.#options.partitions);
  }

  /** Looks again and again. */
  start(events: WatchEvents): void {
    this.#work = this.#run(events);
  }

  async close(): Promise<void> {
    this.#aborted.abort();
    await this.#work;
    await this.#admin?.close();
  }

  async #run({ onLook, onAway, onUnfit }: WatchEvents): Promise<void> {
    const { signal } = this.#aborted;
    while (await this.#pause(signal)) {
      try {
        const found = await this.look();
        if (!signal.aborted) onLook(found);
      } catch (error) {
        if (!(error instanceof MooringError)) throw error;
        if (signal.aborted) return;
        if (error.code !== 'LOG_FAILED') {
          onUnfit(error);
          return;
        }
        onAway(error);
      }
    }
  }

  async #pause(signal: AbortSignal): Promise<boolean> {
    try {
      await this.#options.clock.sleep(INTERVAL_MS, signal);
      return true;
    } catch (error) {
      if (!signal.aborted) throw error;
      return false;
    }
  }
}
