import type { Clock } from '../../runtime/clock.ts';

/**
 * Which kinds of sentence give a metric, the preferred one first. A device seldom sends one value in one sentence only,
 * and two sources of one value must not take turns. README.md gives the reasons for each order.
 */
const PREFERENCE = {
  wind_speed: ['MWV,T', 'VWT', 'MWD'],
  wind_direction: ['MWD'],
  apparent_wind_speed: ['MWV,R', 'VWR'],
  apparent_wind_angle: ['MWV,R', 'VWR'],
  water_temperature: ['MTW', 'XDR'],
  depth: ['DPT', 'DBT', 'DBS', 'DBK'],
  heading: ['HDT', 'HDG', 'VHW'],
  heading_magnetic: ['HDG', 'HDM', 'VHW'],
  speed_over_ground: ['RMC', 'VTG'],
  course_over_ground: ['RMC', 'VTG'],
  speed_through_water: ['VHW'],
  gnss_fix: ['GGA'],
  satellites: ['GGA'],
  hdop: ['GGA'],
} as const satisfies Readonly<Record<string, readonly string[]>>;

/** What stands for the position, which is a record's location and no metric. */
export const POSITION = 'location';

const RANKS: Readonly<Record<string, readonly string[]>> = { ...PREFERENCE, [POSITION]: ['GGA', 'RMC', 'GLL'] };

/** The metrics that a port gives unless the options say otherwise. */
export const METRIC_NAMES = Object.keys(PREFERENCE) as readonly (keyof typeof PREFERENCE)[];

/** So long after its last valid value a source keeps those below it out: the usual `stale` of a sensor. */
export const HOLD_MS = 10_000;

/** What becomes of one source's word on one metric. */
export type Verdict = 'value' | 'missing' | 'ignored';

/** Keeps in mind which sources were heard of late, and decides whose word counts. */
export class Preference {
  readonly #clock: Clock;
  /** Monotonic time of the last valid value, per metric and source. */
  readonly #heardMs = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** A source gives a valid value: it counts unless a better source was heard within `HOLD_MS`. */
  onValue(metric: string, source: string): Verdict {
    this.#heardMs.set(keyOf(metric, source), this.#clock.monotonicMs());
    return this.#better(metric, source).some((other) => this.#isHeld(metric, other)) ? 'ignored' : 'value';
  }

  /**
   * A source says that it has nothing valid. The metric is missing, unless a better source is in charge, or a lower one
   * gives values and this one does not keep it out.
   */
  onInvalid(metric: string, source: string): Verdict {
    if (this.#better(metric, source).some((other) => this.#isHeld(metric, other))) return 'ignored';
    if (this.#isHeld(metric, source)) return 'missing';
    const ranks = RANKS[metric] ?? [];
    const lower = ranks.slice(ranks.indexOf(source) + 1);
    return lower.some((other) => this.#isHeld(metric, other)) ? 'ignored' : 'missing';
  }

  #better(metric: string, source: string): readonly string[] {
    const ranks = RANKS[metric] ?? [];
    return ranks.slice(0, Math.max(0, ranks.indexOf(source)));
  }

  #isHeld(metric: string, source: string): boolean {
    const heardMs = this.#heardMs.get(keyOf(metric, source));
    return heardMs !== undefined && this.#clock.monotonicMs() - heardMs < HOLD_MS;
  }
}

function keyOf(metric: string, source: string): string {
  return `${metric} ${source}`;
}
