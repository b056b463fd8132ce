import type { Clock } from '../../runtime/clock.ts';
import type { SinkStatus } from '../storage.ts';

const LOOK_MS = 2000;

/** Since when each sink that Kafka feeds has not been level with the log. */
export class SinkLag {
  readonly #sinks: () => readonly SinkStatus[];
  readonly #clock: Clock;
  readonly #levelMs = new Map<string, number>();
  #cancel: (() => void) | undefined;

  constructor(sinks: () => readonly SinkStatus[], clock: Clock) {
    this.#sinks = sinks;
    this.#clock = clock;
  }

  start(): void {
    this.#look();
  }

  stop(): void {
    this.#cancel?.();
  }

  /** Undefined for one that Kafka does not feed, or that stands by for another copy. */
  lagMs(name: string): number | undefined {
    const levelMs = this.#levelMs.get(name);
    return levelMs === undefined ? undefined : this.#clock.monotonicMs() - levelMs;
  }

  #look(): void {
    const nowMs = this.#clock.monotonicMs();
    for (const { name, feed } of this.#sinks()) {
      if (feed === undefined || feed.state === 'standing by') this.#levelMs.delete(name);
      else if (feed.lag === 0 || !this.#levelMs.has(name)) this.#levelMs.set(name, nowMs);
    }
    this.#cancel = this.#clock.after(LOOK_MS, () => this.#look());
  }
}
