import type { Clock } from '../../runtime/clock.ts';
import type { Log } from '../../runtime/log.ts';

/** Why the watchdog should not be fed, or undefined while all is well. */
export type HealthCheck = (nowMonotonicMs: number) => string | undefined;

/**
 * Feeds systemd's watchdog while data really flows: every due tick was run and every append was *answered* by the store,
 * with success or a reported error. A month without a link and a full disk are healthy; a stuck loop is not.
 */
export class Watchdog {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #intervalMs: number;
  readonly #feed: () => void;
  readonly #checks: readonly HealthCheck[];
  #unhealthy: string | undefined;
  #cancel: (() => void) | undefined;

  /** `intervalMs` is half of what systemd waits, as sd_watchdog_enabled(3) advises. */
  constructor(clock: Clock, log: Log, intervalMs: number, feed: () => void, checks: readonly HealthCheck[]) {
    this.#clock = clock;
    this.#log = log;
    this.#intervalMs = intervalMs;
    this.#feed = feed;
    this.#checks = checks;
  }

  start(): void {
    this.#round();
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  #round(): void {
    const nowMs = this.#clock.monotonicMs();
    const reason = this.#checks.map((check) => check(nowMs)).find((found) => found !== undefined);
    if (reason === undefined) this.#feed();
    if (reason !== this.#unhealthy) {
      if (reason === undefined) this.#log.info({}, 'healthy again');
      else this.#log.error({ reason }, 'the watchdog is not fed');
      this.#unhealthy = reason;
    }
    this.#cancel = this.#clock.after(this.#intervalMs, () => this.#round());
  }
}
