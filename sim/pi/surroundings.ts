import type { SensorSettings, StationSettings } from '../../daemon/sampling/station.ts';
import { type MetricType, metricNamed } from '../../protocol/metrics.ts';
import type { MetricValue } from '../../protocol/record.ts';
import type { Truth } from '../chips/chip.ts';
import { unknownQuantity } from '../world/unknown.ts';
import type { Quantity, World } from '../world/world.ts';

/** Time in the simulated world, UTC in milliseconds: begins with the wall clock and runs on with the monotonic one. */
export type WorldTime = () => number;

const HOUR_MS = 3_600_000;
/** Halvings of an interval of values until it is one number. */
const HALVINGS = 60;
/** What the world's number is as a value of a metric. */
const AS: Readonly<Record<MetricType, (value: number) => MetricValue>> = {
  number: (value) => value,
  boolean: (value) => value >= 0.5,
  text: () => 'connected',
};

/** What one sensor of the configuration stands in. */
export class Surroundings {
  readonly settings: SensorSettings;
  readonly #station: StationSettings;
  readonly #world: World;
  readonly #now: WorldTime;
  readonly #unknown = new Map<string, Quantity>();

  constructor(station: StationSettings, settings: SensorSettings, world: World, now: WorldTime) {
    this.settings = settings;
    this.#station = station;
    this.#world = world;
    this.#now = now;
  }

  /** The driver's names of its metrics. */
  get metrics(): readonly string[] {
    return this.#declared().map(({ name }) => name);
  }

  /** Whether the world itself has a quantity, be it a metric of the sensor or not. */
  knows(quantity: string): boolean {
    return Object.hasOwn(this.#world, this.#recordName(quantity)) || Object.hasOwn(this.#world, quantity);
  }

  /**
   * What the sensor has to show now of a quantity: for a metric that is calibrated the raw value whose calibration is the
   * truth.
   */
  readonly truth: Truth = (quantity) => {
    const timeMs = this.#now();
    const value = this.#quantity(quantity)(timeMs);
    const calibration = this.settings.calibrations?.[this.#recordName(quantity)]?.at(timeMs);
    if (calibration === undefined) return value;
    return inverse((raw) => calibration.apply(raw), value, this.#rangeOf(quantity));
  };

  /** What should stand in a record of this time for a metric of the sensor, by the driver's name of it. */
  trueAt(metric: string, timeMs: number): MetricValue {
    return AS[metricNamed(metric)?.type ?? 'number'](this.#quantity(metric)(timeMs));
  }

  /** By the name in records where the world has it under that, `housing_temperature` say, else by the driver's. */
  #quantity(metric: string): Quantity {
    const name = this.#recordName(metric);
    if (name === 'rainfall' && this.#world.rain_rate !== undefined) return this.#rainfall(this.#world.rain_rate);
    const quantity = this.#world[name] ?? this.#world[metric];
    return quantity === undefined || !this.#isWithinReach(quantity, metric) ? this.#unknownQuantity(metric) : quantity;
  }

  /** A converter for 4 V is on another battery than the world's, which has 12 V. */
  #isWithinReach(quantity: Quantity, metric: string): boolean {
    const range = this.#declared().find(({ name }) => name === metric)?.range;
    if (range === undefined || this.settings.calibrations?.[this.#recordName(metric)] !== undefined) return true;
    const value = quantity(0);
    return value >= range[0] && value <= range[1];
  }

  /** Since the sensor was asked before, in mm. */
  #rainfall(rate: Quantity): Quantity {
    const { everyMs } = this.settings;
    return (timeMs) => (rate(timeMs - everyMs / 2) * everyMs) / HOUR_MS;
  }

  #unknownQuantity(metric: string): Quantity {
    const declared = this.#declared().find(({ name }) => name === metric);
    const range = metricNamed(metric)?.type === 'boolean' ? ([0, 1] as const) : declared?.range;
    const quantity = this.#unknown.get(metric) ?? unknownQuantity(metric, range, this.#station.name.length);
    this.#unknown.set(metric, quantity);
    return quantity;
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
