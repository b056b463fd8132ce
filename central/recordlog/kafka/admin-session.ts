import { type Clock, withDeadline } from '../../../runtime/clock.ts';
import { MooringError } from '../../../runtime/errors.ts';
import type { KafkaAdmin, KafkaClient } from './client.ts';

/** Longer than any one call of a client takes, in milliseconds. */
const ASK_MS = 20_000;

/** An admin that is thrown away after a failure, and made anew when it is asked again. */
export class AdminSession {
  readonly #client: KafkaClient;
  readonly #clock: Clock;
  #admin: KafkaAdmin | undefined;

  constructor(client: KafkaClient, clock: Clock) {
    this.#client = client;
    this.#clock = clock;
  }

  /** Rejects as the work does, and with `LOG_FAILED` when that does not end. */
  async ask<T>(work: (admin: KafkaAdmin) => Promise<T>): Promise<T> {
    const admin = this.#admin ?? this.#client.createAdmin();
    this.#admin = admin;
    try {
      return await withDeadline(this.#clock, ASK_MS, work(admin), () => {
        return new MooringError('LOG_FAILED', 'Kafka has not answered what it was asked');
      });
    } catch (error) {
      if (this.#admin === admin) this.close();
      throw error;
    }
  }

  /** Waits for nothing; may be asked again. */
  close(): void {
    this.#admin?.close().catch(() => undefined);
    this.#admin = undefined;
  }
}
