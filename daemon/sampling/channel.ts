import type { Reading, SensorContext } from '../../drivers/driver.ts';
import type { Location } from '../../protocol/record.ts';
import type { MooringError } from '../../runtime/errors.ts';
import type { AlarmSample } from '../alarms/types.ts';
import type { Calibration, QualityJudge } from '../quality/types.ts';
import { Intake } from './intake.ts';
import type { MetricTable } from './metric-table.ts';
import { type CalibrationsUsed, PushedValues, type Share } from './pushed-values.ts';
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
  /** Of the station, which has one; left out: nothing is judged. */
  readonly judge?: QualityJudge | undefined;
  /** Hears each sample as soon as it is complete, before any record has it. Must neither throw nor wait. */
  readonly onSample: (sample: Omit<AlarmSample, 'station'>) => void;
  /** Before the first record with a value of another calibration of a metric; undefined: of none. */
  readonly onCalibrated: (metric: string, calibration: Calibration | undefined) => void;
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
  readonly #options: ChannelOptions;
  readonly #source: ClockSource;
  readonly #context: SensorContext;
  readonly #ticksPerSample: number;
  /** What records before the next one say of calibrations, by metric. */
  readonly #told = new Map<string, Calibration | undefined>();
  #samplePeriod = -1;
  #place: Place | undefined;

  constructor(options: ChannelOptions) {
    const { name, settings, stationEveryMs, table, context, source, onChange } = options;
    const sensor = settings.driver.create(settings.options as never, context);
    this.#options = options;
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

  /** How a metric is calibrated now; undefined where it is not. To be told: the next change is told against it. */
  calibrationOf(metric: string): Calibration | undefined {
    const calibrations = this.settings.calibrations?.[metric];
    if (calibrations === undefined) return undefined;
    const calibration = calibrations.at(this.#source.label().timestampMs);
    this.#told.set(metric, calibration);
    return calibration;
  }

  /** Before a record with values that these have made: tells of those that were not told last. */
  tell(calibrations: CalibrationsUsed): void {
    for (const [metric, before] of this.#told) {
      const calibration = calibrations[metric];
      if (!Object.hasOwn(calibrations, metric) || calibration === before) continue;
      this.#told.set(metric, calibration);
      this.#options.onCalibrated(metric, calibration);
    }
  }

  /** What a sensor that speaks by itself gives to the tick that is run now; undefined for one that is asked. */
  takePushed(): Share | undefined {
    const share = this.#pushed?.take(this.#context.clock.monotonicMs());
    // What has gone silent is missing from now on, for the rules too: no reading will say so.
    return share === undefined || share.missing.length === 0 ? share : this.#silent(share);
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
    return reading === undefined ? this.#judged({ metrics: {}, missing: this.metrics }) : this.#read(reading);
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
    return this.#judged(this.#intake.read(reading, this.#source.label().timestampMs));
  }

  /** With its flags. Alarms hear of it here: before the record, the store and the other sensors. */
  #judged(share: Share): Share {
    const { judge, onSample } = this.#options;
    const time = { monotonicMs: this.#context.clock.monotonicMs(), timestampMs: this.#source.label().timestampMs };
    const flags = judge?.judge(share, time) ?? {};
    onSample({ metrics: share.metrics, flags, missing: share.missing });
    return { ...share, flags };
  }

  #silent(share: Share): Share {
    this.#judged({ metrics: {}, missing: share.missing });
    return share;
  }
}
