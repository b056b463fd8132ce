import { type Clock, systemClock } from '../runtime/clock.ts';
import { closed } from './nmea-listener.ts';
import { openPty, type Pty } from './pty.ts';

/** The metric that carries the count, and the station that it belongs to. */
export const WITNESS = { metric: 'witness', station: 'witness' } as const;
/** The station's ticks, and how far apart the values are: one in ten ticks, so that no tick ever takes two. */
export const WITNESS_TICK_MS = 50;
const FEED_MS = 500;
/**
 * The loss window: what a kill may cost. A value waits for the next tick (50 ms), and is safe when the commit of that
 * tick's record has ended; anything that was fed longer ago than this must be in the sink. It is more than a tick and a
 * sync take, as scenarios run side by side on the same processors and disk.
 */
export const LOSS_WINDOW_MS = 250;

/** Ticks so far apart tell that the process did not get to run: four in a row are missing. */
const STANDSTILL_MS = 5 * WITNESS_TICK_MS;
/** The share of values that standstills may excuse: a machine that lets the process run less proves nothing. */
const OVERTAKEN_SHARE_MAX = 0.1;

export interface FedValue {
  readonly value: number;
  /** UTC milliseconds: the clock of the records. */
  readonly atMs: number;
}

/** A record of the witness's station in the sink. */
export interface WitnessedTick {
  readonly run: string;
  /** UTC milliseconds. */
  readonly atMs: number;
  readonly value?: number;
}

/** When the process may have lost what it was fed: from its kill, less the loss window, until it was up again. UTC milliseconds. */
export interface Downtime {
  readonly fromMs: number;
  readonly toMs: number;
}

export interface Testimony {
  readonly fed: number;
  /** Lost in downtimes. */
  readonly excused: number;
  /**
   * Lost because the process stood still, which its missing ticks show: the next one came before a tick took them. One, or
   * one in ten; where there are more they are lost, all of them.
   */
  readonly overtaken: number;
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
      this.#fed.push({ value, atMs: this.#clock.wallMs() });
      void this.#pty.write(`${closed(`IIDBT,,f,${value}.0,M,,F`)}\r\n`);
    });
  }

  stop(): void {
    this.#stopFeeding?.();
    this.#stopFeeding = undefined;
  }

  /** The process was killed at `killedMs` and was up again at `upMs`, in UTC milliseconds. */
  excuse(killedMs: number, upMs: number): void {
    this.#downtimes.push({ fromMs: killedMs - LOSS_WINDOW_MS, toMs: upMs });
  }

  /** Compares with what the sink has of the station. */
  testify(ticks: readonly WitnessedTick[]): Testimony {
    return judgeWitness(this.#fed, this.#downtimes, ticks);
  }

  close(): void {
    this.stop();
    this.#pty.close();
  }
}

export function judgeWitness(
  fed: readonly FedValue[],
  downtimes: readonly Downtime[],
  ticks: readonly WitnessedTick[],
): Testimony {
  const counts = new Map<number, number>();
  for (const { value } of ticks) if (value !== undefined) counts.set(value, (counts.get(value) ?? 0) + 1);
  const known = new Set(fed.map(({ value }) => value));
  const isMissing = ({ value }: FedValue): boolean => !counts.has(value);
  const isExcused = ({ atMs }: FedValue): boolean =>
    downtimes.some(({ fromMs, toMs }) => fromMs <= atMs && atMs <= toMs);
  const unexcused = fed.filter((value) => isMissing(value) && !isExcused(value));
  const stoodStill = standstills(ticks);
  const isOvertaken = ({ value, atMs }: FedValue): boolean => {
    const next = fed.find((other) => other.value === value + 1);
    return next !== undefined && stoodStill.some(({ fromMs, toMs }) => fromMs < next.atMs && toMs > atMs);
  };
  const overtakenMax = Math.max(1, fed.length * OVERTAKEN_SHARE_MAX);
  const seemOvertaken = unexcused.filter(isOvertaken);
  const overtaken = seemOvertaken.length > overtakenMax ? [] : seemOvertaken;
  return {
    fed: fed.length,
    excused: fed.filter((value) => isMissing(value) && isExcused(value)).length,
    overtaken: overtaken.length,
    lost: unexcused.filter((value) => !overtaken.includes(value)).map(({ value }) => value),
    repeated: [...counts].filter(([, count]) => count > 1).map(([value]) => value),
    invented: [...counts.keys()].filter((value) => !known.has(value)),
  };
}

/**
 * Where ticks that were due are not there, within a run: what a kill has cost looks the same and lies between two runs.
 * Records lost on their way would look the same too, but leave holes in the sequences.
 */
function standstills(ticks: readonly WitnessedTick[]): readonly Downtime[] {
  return [...Map.groupBy(ticks, ({ run }) => run).values()].flatMap((ofRun) => {
    const times = ofRun.map(({ atMs }) => atMs).sort((a, b) => a - b);
    return times.flatMap((toMs, index) => {
      const fromMs = times[index - 1] ?? toMs;
      return toMs - fromMs >= STANDSTILL_MS ? [{ fromMs, toMs }] : [];
    });
  });
}
