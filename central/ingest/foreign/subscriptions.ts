import { StateFile } from '../../../runtime/state-file.ts';

/** What is to be said to a broker so that a session has the right filters. */
export interface SubscriptionChange {
  readonly subscribe: readonly string[];
  readonly unsubscribe: readonly string[];
}

interface Kept {
  /** Broker and client id: another session knows nothing of these filters. */
  readonly session: string;
  /** Confirmed by the broker. */
  readonly granted: readonly string[];
  /** Asked for, and perhaps not confirmed. */
  readonly asked: readonly string[];
}

/**
 * Which filters the session that a broker keeps is subscribed to, across restarts. Subscribing again to one would bring all
 * that the broker has retained anew, and one that is not unsubscribed from is so for ever.
 */
export class Subscriptions {
  readonly #session: string;
  readonly #file: StateFile<Kept> | undefined;
  #kept: Kept | undefined;

  /** `path`: undefined for a memory of this process only. */
  constructor(session: string, path: string | undefined) {
    this.#session = session;
    this.#file = path === undefined ? undefined : new StateFile(path);
  }

  /** Throws `STATE_FAILED` where the file is there and cannot be read. */
  async open(): Promise<void> {
    const kept = await this.#file?.load();
    if (kept?.session === this.#session) this.#kept = kept;
  }

  /** Kept before it is said: a filter that the broker may know is never forgotten. Throws `STATE_FAILED`. */
  async begin(filters: readonly string[], isPresent: boolean): Promise<SubscriptionChange> {
    const { granted = [], asked = [] }: Partial<Kept> = (isPresent ? this.#kept : undefined) ?? {};
    const subscribe = filters.filter((filter) => !granted.includes(filter));
    const unsubscribe = asked.filter((filter) => !filters.includes(filter));
    if (subscribe.length > 0 || unsubscribe.length > 0) {
      const still = granted.filter((filter) => filters.includes(filter));
      await this.#keep(still, [...new Set([...asked, ...filters])]);
    }
    return { subscribe, unsubscribe };
  }

  /** The broker has confirmed it. Throws `STATE_FAILED`. */
  async end(filters: readonly string[]): Promise<void> {
    const isSame = [this.#kept?.granted, this.#kept?.asked].every((kept) => String(kept) === String(filters));
    if (!isSame) await this.#keep(filters, filters);
  }

  async #keep(granted: readonly string[], asked: readonly string[]): Promise<void> {
    this.#kept = { session: this.#session, granted, asked };
    await this.#file?.save(this.#kept);
  }
}
