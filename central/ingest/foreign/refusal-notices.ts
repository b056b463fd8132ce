import type { Clock } from '../../../runtime/clock.ts';
import type { Log } from '../../../runtime/log.ts';

/** Between two lines about refusals of one kind, in milliseconds: whoever is refused usually comes back at once. */
const EVERY_MS = 60_000;

interface Told {
  count: number;
  saidCount: number;
  saidMs: number;
  /** Of the last of them. */
  message: string;
  context: Readonly<Record<string, unknown>>;
}

/** Counts what a source refuses, by kind, and tells of each kind once a minute at most: nobody fills the log. */
export class RefusalNotices<Kind extends string> {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #kinds = new Map<Kind, Told>();

  constructor(clock: Clock, log: Log) {
    this.#clock = clock;
    this.#log = log;
  }

  count(kind: Kind): number {
    return this.#kinds.get(kind)?.count ?? 0;
  }

  /** `context` stands in the line, where there is one: nothing secret, and nothing long. */
  add(kind: Kind, message: string, context: Readonly<Record<string, unknown>> = {}): void {
    const known = this.#kinds.get(kind) ?? { count: 0, saidCount: 0, saidMs: Number.NEGATIVE_INFINITY };
    const told = Object.assign(known, { message, context });
    this.#kinds.set(kind, told);
    told.count += 1;
    const nowMs = this.#clock.monotonicMs();
    if (nowMs - told.saidMs < EVERY_MS) return;
    this.#say(told);
    told.saidMs = nowMs;
  }

  /** Tells of what no line has told yet: nothing more comes, and a count that is lost with the process helps nobody. */
  end(): void {
    for (const told of this.#kinds.values()) if (told.count > told.saidCount) this.#say(told);
  }

  #say(told: Told): void {
    this.#log.warn({ ...told.context, refused: told.count - told.saidCount }, told.message);
    told.saidCount = told.count;
  }
}
