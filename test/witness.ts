import { type Clock, systemClock } from '../runtime/clock.ts';
import { closed } from './nmea-listener.ts';
import { openPty, type Pty } from './pty.ts';

/** The metric that carries the count, and the station that it belongs to. */
export const WITNESS = { metric: 'witness', station: 'witness' } as const;
/** The station's ticks, and how far apart the values are: one in five ticks, so that no tick ever takes two. */
export const WITNESS_TICK_MS = 50;
const FEED_MS = 250;
/**
 * The loss window: what a kill may cost. A value waits for the next tick (50 ms), and is safe when the commit of that
 * tick's record has ended; anything that was fed longer ago than this must be in the sink.
 */
export const LOSS_WINDOW_MS = 250;

export interface FedValue {
  readonly value: number;
  /** On the clock of the witness. */
  readonly atMs: number;
}

/** When the process may have lost what it was fed: from its kill, less the loss window, until it was up again. */
export interface Downtime {
  readonly fromMs: number;
  readonly toMs: number;
}

export interface Testimony {
  readonly fed: number;
  readonly excused: number;
  /** Values that are not in the sink though they must be. */
  readonly lost: readonly number[];
  readonly repeated: readonly number[];
  /** Values of the sink that were never fed. */
  readonly invented: readonly number[];
}

/**
 * Someone outside who knows what was measured: counts up through a pseudo-terminal, as a depth of that many metres, and
 * compares with the sink. It knows nothing of sequences, so it sees what an audit by ids cannot.
 */
export class Witness {
  readonly #pty: Pty;
  readonly #clock: Clock;
  readonly #fed: FedValue[] = [];
  readonly #downtimes: Downtime[] = [];
  #stopFeeding: (() => void) | undefined;

  constructor(clock: Clock = systemClock) {
    this.#pty = openPty();
    this.#clock = clock;
  }

  /** The station of a gateway's configuration. */
  get station(): object {
    const depth = { driver: 'nmea0183', port: this.#pty.path, baud: 38_400, silence: '1h', only: ['depth'] };
    return {
      name: WITNESS.station,
      every: `${WITNESS_TICK_MS}ms`,
      sensors: [{ ...depth, as: { depth: WITNESS.metric } }],
    };
  }

  start(): void {
    this.#stopFeeding = this.#clock.after(FEED_MS, () => {
      this.start();
      const value = this.#fed.length + 1;
      this.#fed.push({ value, atMs: this.#clock.monotonicMs() });
      void this.#pty.write(`${closed(`IIDBT,,f,${value}.0,M,,F`)}\r\n`);
    });
  }

  stop(): void {
    this.#stopFeeding?.();
    this.#stopFeeding = undefined;
  }

  /** The process was killed at `killedMs` and was up again at `upMs`, both on this witness's clock. */
  excuse(killedMs: number, upMs: number): void {
    this.#downtimes.push({ fromMs: killedMs - LOSS_WINDOW_MS, toMs: upMs });
  }

  /** Compares with the values of the sink, one an element. */
  testify(values: readonly number[]): Testimony {
    return judgeWitness(this.#fed, this.#downtimes, values);
  }

  close(): void {
    this.stop();
    this.#pty.close();
  }
}

export function judgeWitness(
  fed: readonly FedValue[],
  downtimes: readonly Downtime[],
  values: readonly number[],
): Testimony {
  const counts = new Map<number, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  const known = new Set(fed.map(({ value }) => value));
  const missing = fed.filter(({ value }) => !counts.has(value));
  const isExcused = ({ atMs }: FedValue): boolean =>
    downtimes.some(({ fromMs, toMs }) => fromMs <= atMs && atMs <= toMs);
  return {
    fed: fed.length,
    excused: missing.filter(isExcused).length,
    lost: missing.filter((value) => !isExcused(value)).map(({ value }) => value),
    repeated: [...counts].filter(([, count]) => count > 1).map(([value]) => value),
    invented: [...counts.keys()].filter((value) => !known.has(value)),
  };
}
