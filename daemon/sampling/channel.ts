import type { Reading, SensorContext } from '../../drivers/driver.ts';
import type { Location } from '../../protocol/record.ts';
import type { MooringError } from '../../runtime/errors.ts';
import { Intake } from './intake.ts';
import type { MetricTable } from './metric-table.ts';
import { PushedValues, type Share } from './pushed-values.ts';
import { SensorSupervisor } from './sensor-supervisor.ts';
import { portOf, type SensorSettings } from './station.ts';
import type { ClockSource } from './wall.ts';

export interface ChannelOptions {
  /** Within its station: `sensorNamesOf`. */
  readonly name: string;
  readonly settings: SensorSettings;
  /** Of the station that it serves. */
  readonly stationEveryMs: number;
  readonly table: MetricTable;
  /** Handed on to the driver. */
  readonly context: SensorContext;
  readonly source: ClockSource;
  readonly onChange: (error: MooringError | undefined) => void;
}

interface Place {
  readonly location: Location;
  readonly heardMs: number;
}

/** One sensor as its station sees it: what it gives to each tick, whether it is asked or speaks by itself. */
export class Channel {
  readonly name: string;
  readonly settings: SensorSettings;
  readonly port: string | undefined;
  readonly supervisor: SensorSupervisor;
  readonly #intake: Intake;
  readonly #pushed: PushedValues | undefined;
  readonly #source: ClockSource;
  readonly #context: SensorContext;
  readonly #ticksPerSample: number;
  #samplePeriod = -1;
  #place: Place | undefined;

  constructor(options: ChannelOptions) {
    const { name, settings, stationEveryMs, table, context, source, onChange } = options;
    const sensor = settings.driver.create(settings.options as never, context);
    this.name = name;
    this.settings = settings;
    this.port = portOf(settings.options);
    this.#source = source;
    this.#context = context;
    this.#ticksPerSample = settings.everyMs / stationEveryMs;
    this.#intake = new Intake(settings, table, context.log);
    this.#pushed = sensor.mode === 'pushed' ? new PushedValues(settings.staleMs) : undefined;
    this.supervisor = new SensorSupervisor({
      sensor,
      clock: context.clock,
      random: context.random,
      log: context.log,
      onReading: (reading) => this.#pushed?.add(this.#read(reading), context.clock.monotonicMs()),
      onChange,
    });
  }

  /** The names in records of everything that it may give. */
  get metrics(): readonly string[] {
    return this.#intake.names;
  }

  /** What a sensor that speaks by itself gives to the tick that is run now; undefined for one that is asked. */
  takePushed(): Share | undefined {
    return this.#pushed?.take(this.#context.clock.monotonicMs());
  }

  /** Whether it is to be asked at this tick: also where the tick at which it was due has been skipped. */
  isDue(tickIndex: number): boolean {
    if (this.#pushed !== undefined) return false;
    const period = Math.floor(tickIndex / this.#ticksPerSample);
    if (period === this.#samplePeriod) return false;
    this.#samplePeriod = period;
    return true;
  }

  /** Asks it. Without an answer within the deadline everything that it may give is missing. */
  async ask(): Promise<Share> {
    const reading = await this.supervisor.sample(this.settings.deadlineMs);
    return reading === undefined ? { metrics: {}, missing: this.metrics } : this.#read(reading);
  }

  /** Where it last said that it is, and when, while that is fresh. */
  place(): Place | undefined {
    const place = this.#place;
    if (place === undefined) return undefined;
    return this.#context.clock.monotonicMs() - place.heardMs <= this.settings.staleMs ? place : undefined;
  }

  #read(reading: Reading): Share {
    if (reading.utcMs !== undefined) this.#source.heardUtc(reading.utcMs);
    if (reading.location !== undefined) {
      this.#place = { location: reading.location, heardMs: this.#context.clock.monotonicMs() };
    }
    return this.#intake.read(reading);
  }
}
