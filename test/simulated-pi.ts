import { busesOf } from '../daemon/buses/buses.ts';
import { loadGatewayConfig } from '../daemon/config/config.ts';
import type { GatewayConfig } from '../daemon/config/types.ts';
import { Sampler } from '../daemon/sampling/sampler.ts';
import { WallClock } from '../daemon/sampling/wall.ts';
import { metricNamed } from '../protocol/metrics.ts';
import type { MetricValue, Observation } from '../protocol/record.ts';
import { silentLog } from '../runtime/log.ts';
import { SeededRandom } from '../runtime/random.ts';
import { SteppedClock } from '../sim/clock.ts';
import { type Simulation, simulate } from '../sim/pi/simulated-machine.ts';
import type { Surroundings } from '../sim/pi/surroundings.ts';
import { NMEA_STEPS } from '../sim/talkers/nmea0183.ts';

/** With the moment at which it was complete, on the monotonic clock. */
type Emitted = Observation & { readonly atMs: number };

/** A line of the truth file. */
interface TrueMoment {
  readonly station: string;
  readonly timestamp: string;
  readonly location?: { readonly lat: number; readonly lon: number };
  readonly [metric: string]: unknown;
}

/** A simulated Pi with the gateway's buses, drivers and sampler on it, on a clock that is stepped. */
export class SimulatedPi {
  readonly clock: SteppedClock;
  readonly config: GatewayConfig;
  readonly simulation: Simulation;
  readonly observations: Emitted[] = [];
  readonly #truth: string[] = [];
  readonly #sampler: Sampler;
  readonly #buses: ReturnType<typeof busesOf>;

  constructor(file: string, startMs: number, seed = 1) {
    this.clock = new SteppedClock(startMs);
    this.config = loadGatewayConfig(file);
    const { clock, config } = this;
    const truth = { write: (text: string) => this.#truth.push(text) };
    this.simulation = simulate(config, { clock, log: silentLog, seed, truth });
    this.#buses = busesOf({ machine: this.simulation.machine, clock, log: silentLog });
    this.#sampler = new Sampler({
      stations: config.stations,
      metrics: config.metrics,
      clock,
      random: new SeededRandom(seed),
      log: silentLog,
      ports: this.#buses.ports,
      source: new WallClock({
        clock,
        isSynchronised: () => true,
        hardwareMs: async () => await Promise.resolve(undefined),
      }),
      emit: (observation) => this.observations.push({ ...observation, atMs: clock.monotonicMs() }),
    });
  }

  async run(seconds: number): Promise<void> {
    const started = this.#sampler.start();
    await this.clock.advance(seconds * 1000);
    await started;
  }

  async stop(): Promise<void> {
    const stopped = this.#sampler.stop();
    await this.clock.advance(5000);
    await stopped;
    const closed = this.#buses.close();
    await this.clock.advance(0);
    await closed;
  }

  /** Records of ticks: the one that a stop makes of what came after the last is none. */
  get samples(): readonly Emitted[] {
    return this.observations.filter(({ kind, timestampMs }) => kind === 'sample' && timestampMs % 1000 === 0);
  }

  /** What the truth file says, by station and time. */
  get truths(): ReadonlyMap<string, TrueMoment> {
    const moments = this.#truth.map((line) => JSON.parse(line) as TrueMoment);
    return new Map(moments.map((moment) => [`${moment.station} ${moment.timestamp}`, moment]));
  }

  /** Every value that is further from the truth at its record's time than its driver says that it may be, in words. */
  get untrue(): readonly string[] {
    return this.untrueIn(this.samples);
  }

  /** The same of samples that have come by another way: out of a sink, say. */
  untrueIn(
    samples: readonly Pick<Observation, 'station' | 'timestampMs' | 'metrics' | 'location'>[],
  ): readonly string[] {
    const { truths } = this;
    return samples.flatMap(({ station, timestampMs, metrics, location }) => {
      const moment = truths.get(`${station} ${new Date(timestampMs).toISOString()}`);
      if (moment === undefined) return [];
      const wrong = Object.entries(metrics).flatMap(([name, value]) => {
        const limit = this.#toleranceOf(station, name, moment[name] as MetricValue, timestampMs);
        const distance = distanceOf(name, value, moment[name] as MetricValue);
        return distance <= limit
          ? []
          : [`${moment.timestamp} ${name} is ${value}, not ${String(moment[name])} ± ${limit}`];
      });
      const isNear = location === undefined || moment.location === undefined || areNear(location, moment.location);
      return isNear ? wrong : [...wrong, `${moment.timestamp} place`];
    });
  }

  #toleranceOf(station: string, name: string, truth: MetricValue, timeMs: number): number {
    const site = this.simulation.sites.find((each) => each.station.name === station);
    for (const surroundings of site?.sensors ?? []) {
      const own = surroundings.metrics.find((metric) => (surroundings.settings.rename[metric] ?? metric) === name);
      if (own !== undefined)
        return accuracyOf(surroundings, own, Number(truth), timeMs) + halfStepOf(this.config, name);
    }
    return 0;
  }
}

/** What the driver declares, as it is after calibration; of instruments on a line, half a step of what they say. */
function accuracyOf({ settings }: Surroundings, metric: string, truth: number, timeMs: number): number {
  const { driver, options, rename, calibrations = {} } = settings;
  if (driver.name === 'nmea0183') return (NMEA_STEPS[metric] ?? 0) / 2;
  if (Number.isNaN(truth)) return 0;
  if (CONFIGURED.has(driver.name)) return 0.01 * Math.abs(truth);
  const { accuracy } = driver.metrics(options as never).find(({ name }) => name === metric) ?? {};
  const limit = (value: number): number =>
    Math.max(accuracy?.absolute ?? 0, (accuracy?.relative ?? 0) * Math.abs(value));
  const calibration = calibrations[rename[metric] ?? metric]?.at(timeMs);
  if (calibration === undefined) return limit(truth);
  // The limit is that of a raw value, and the calibration tells how much that is here.
  const slope = Math.abs(calibration.apply(1) - calibration.apply(0));
  return slope * limit(calibration.apply(0));
}

/** Only the configuration knows what is on the other end: a hundredth of the value. */
const CONFIGURED: ReadonlySet<string> = new Set(['modbus', 'serial-lines']);

function halfStepOf(config: GatewayConfig, name: string): number {
  const { resolution = 0 } = metricNamed(name) ?? config.metrics.find((metric) => metric.name === name) ?? {};
  return resolution / 2 + 1e-9;
}

function distanceOf(name: string, value: MetricValue, truth: MetricValue): number {
  if (typeof value !== 'number' || typeof truth !== 'number') return value === truth ? 0 : Infinity;
  const distance = Math.abs(value - truth);
  return metricNamed(name)?.unit === '°' ? Math.min(distance, 360 - distance) : distance;
}

type Place = NonNullable<TrueMoment['location']>;

/** Within ten metres, as a receiver is. */
function areNear(one: Place, other: Place): boolean {
  return Math.abs(one.lat - other.lat) < 1e-4 && Math.abs(one.lon - other.lon) < 1e-4;
}
