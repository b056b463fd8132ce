import type { SensorSettings, StationSettings } from '../../daemon/sampling/station.ts';
import type { MetricValue } from '../../protocol/record.ts';
import type { Truth } from '../chips/chip.ts';
import type { World } from '../world/world.ts';

/** Time in the simulated world, UTC in milliseconds: begins with the wall clock and runs on with the monotonic one. */
export type WorldTime = () => number;

const HOUR_MS = 3_600_000;
/** Halvings of an interval of values until it is one number. */
const HALVINGS = 60;
/** Metrics that are no numbers, as the world's numbers say them. */
const WORDS: Readonly<Record<string, (value: number) => MetricValue>> = {
  under_voltage: (value) => value !== 0,
  modem_state: () => 'connected',
};

/** What one sensor of the configuration stands in. */
export class Surroundings {
  readonly settings: SensorSettings;
  readonly #station: StationSettings;
  readonly #world: World;
  readonly #now: WorldTime;

  constructor(station: StationSettings, settings: SensorSettings, world: World, now: WorldTime) {
    this.settings = settings;
    this.#station = station;
    this.#world = world;
    this.#now = now;
  }

  /** The driver's names of its metrics that the world has an answer to. */
  get known(): readonly string[] {
    return this.#declared()
      .map(({ name }) => name)
      .filter((name) => this.trueAt(name, 0) !== undefined);
  }

  /** Whether there is a truth of a quantity, be it a metric of the sensor or not. */
  knows(quantity: string): boolean {
    return this.#trueAt(quantity, 0) !== undefined;
  }

  /**
   * What the sensor has to show now of a quantity: for a metric that is calibrated the raw value whose calibration is the
   * truth. Throws where the world does not have it.
   */
  readonly truth: Truth = (quantity) => {
    const timeMs = this.#now();
    const value = this.#trueAt(quantity, timeMs);
    if (value === undefined) throw new Error(`the world of ${this.#station.name} has no ${quantity}`);
    const calibration = this.settings.calibrations?.[this.#recordName(quantity)]?.at(timeMs);
    if (calibration === undefined) return value;
    return inverse((raw) => calibration.apply(raw), value, this.#rangeOf(quantity));
  };

  /** What should stand in a record of this time for a metric of the sensor, by the driver's name of it. */
  trueAt(metric: string, timeMs: number): MetricValue | undefined {
    const value = this.#trueAt(metric, timeMs);
    return value === undefined ? undefined : (WORDS[metric]?.(value) ?? value);
  }

  /** By the name in records where the world has it under that, `housing_temperature` say, else by the driver's. */
  #trueAt(metric: string, timeMs: number): number | undefined {
    const name = this.#recordName(metric);
    if (name === 'rainfall') return this.#rainAt(timeMs);
    return (this.#world[name] ?? this.#world[metric] ?? (Object.hasOwn(WORDS, metric) ? zero : undefined))?.(timeMs);
  }

  /** Since the sensor was asked before, in mm. */
  #rainAt(timeMs: number): number | undefined {
    const { everyMs } = this.settings;
    const rate = this.#world.rain_rate?.(timeMs - everyMs / 2);
    return rate === undefined ? undefined : (rate * everyMs) / HOUR_MS;
  }

  #recordName(metric: string): string {
    return this.settings.rename[metric] ?? metric;
  }

  #rangeOf(metric: string): readonly [number, number] {
    return this.#declared().find(({ name }) => name === metric)?.range ?? [-1e6, 1e6];
  }

  #declared(): ReturnType<SensorSettings['driver']['metrics']> {
    return this.settings.driver.metrics(this.settings.options as never);
  }
}

const zero = (): number => 0;

/** The argument at which a strictly monotone function has a value; the nearer end where it is beyond both. */
function inverse(apply: (raw: number) => number, value: number, [lowest, highest]: readonly [number, number]): number {
  const isRising = apply(highest) > apply(lowest);
  let [low, high] = [lowest, highest];
  for (let halving = 0; halving < HALVINGS; halving += 1) {
    const middle = (low + high) / 2;
    if (apply(middle) < value === isRising) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}
