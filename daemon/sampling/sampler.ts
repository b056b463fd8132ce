import type { Ports, SensorContext } from '../../drivers/driver.ts';
import { GATEWAY_STATION, type Info, type Observation } from '../../protocol/record.ts';
import type { Clock } from '../../runtime/clock.ts';
import type { MooringError } from '../../runtime/errors.ts';
import type { Log } from '../../runtime/log.ts';
import type { Random } from '../../runtime/random.ts';
import type { AlarmSample } from '../alarms/types.ts';
import type { QualityJudge } from '../quality/types.ts';
import { Channel } from './channel.ts';
import { ClockWatch } from './clock-watch.ts';
import { keepsNothing, type MemoryOf } from './memory.ts';
import { MetricTable } from './metric-table.ts';
import type { SensorState } from './sensor-supervisor.ts';
import { sourceOf } from './source.ts';
import { type MetricExtension, type StationSettings, sensorNamesOf } from './station.ts';
import { StationSampler } from './station-sampler.ts';
import type { ClockSource } from './wall.ts';

export interface SamplerOptions {
  readonly stations: readonly StationSettings[];
  /** Metrics beyond the registry. */
  readonly metrics: readonly MetricExtension[];
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly ports: Ports;
  /** Left out: sensors keep nothing. */
  readonly memoryOf?: MemoryOf;
  readonly source: ClockSource;
  /** Judges what a station measures; left out: nothing is judged. */
  readonly judgeOf?: (station: string) => QualityJudge | undefined;
  /** Hears each sample of each sensor before its record exists; must neither throw nor wait. */
  readonly onSample?: (sample: AlarmSample) => void;
  /** Takes every record; must neither throw nor wait. */
  readonly emit: (observation: Observation, options: { readonly urgent: boolean }) => void;
}

export interface SensorStatus {
  readonly station: string;
  readonly sensor: string;
  readonly driver: string;
  readonly port?: string;
  readonly state: SensorState;
  /** Milliseconds since its last reading; absent where there was none in this run. */
  readonly lastGoodAgeMs?: number;
  /** Code and words of why it is not ok, with what to do. */
  readonly code?: string;
  readonly reason?: string;
}

export interface StationStatus {
  readonly station: string;
  readonly everyMs: number;
  /** Records made, and ticks that were never run. */
  readonly ticks: number;
  readonly missed: number;
  /** Milliseconds since the newest record was due. */
  readonly lastTickAgeMs?: number;
}

export interface SamplerStatus {
  readonly stations: readonly StationStatus[];
  readonly sensors: readonly SensorStatus[];
}

/** How long the first ticks wait for sensors that open slowly, in milliseconds. */
const OPENING_MS = 2000;
/** How long the last records wait for sensors that are just being asked, in milliseconds. */
const LAST_ANSWERS_MS = 500;
/** Words of an error in a record, in characters: a record is small. */
const REASON_CHARS_MAX = 120;

/** All stations of the gateway: opens their sensors, makes their records, and says what is wrong with them. */
export class Sampler {
  readonly #options: SamplerOptions;
  readonly #table: MetricTable;
  readonly #stations: readonly StationSampler[];
  readonly #clockWatch: ClockWatch;

  constructor(options: SamplerOptions) {
    this.#options = options;
    this.#table = new MetricTable(options.metrics);
    this.#stations = options.stations.map((settings) => this.#stationOf(settings));
    this.#clockWatch = new ClockWatch(options.source, options.log, (info) => this.#event(GATEWAY_STATION, info));
  }

  /** Opens the sensors, and starts the ticks when each is open or has failed, or after two seconds. */
  async start(): Promise<void> {
    const opening = Promise.all(this.#channels().map(async ({ supervisor }) => await supervisor.start()));
    await this.#atMost(OPENING_MS, opening);
    for (const station of this.#stations) station.start();
  }

  /** Ends the ticks, makes the last records, closes the sensors. Nothing is emitted once it has resolved. */
  async stop(): Promise<void> {
    for (const station of this.#stations) station.stop();
    const idle = async (): Promise<unknown> => await Promise.all(this.#stations.map((station) => station.idle()));
    await this.#atMost(LAST_ANSWERS_MS, idle());
    await Promise.all(this.#channels().map(async ({ supervisor }) => await supervisor.stop()));
    await idle();
  }

  /** One record per metric that says where it comes from, for the beginning of a run. */
  sources(): Observation[] {
    return this.#stations.flatMap(({ name, channels }) =>
      channels.flatMap((channel) =>
        channel.metrics.map((metric) =>
          this.#observation(name, sourceOf(channel, metric, this.#table, channel.calibrationOf(metric))),
        ),
      ),
    );
  }

  status(): SamplerStatus {
    const nowMs = this.#options.clock.monotonicMs();
    return {
      stations: this.#options.stations.map(({ everyMs }, index) => {
        const { name, ticks, missed, lastTickDueMs } = this.#stations[index] as StationSampler;
        const age = lastTickDueMs === undefined ? {} : { lastTickAgeMs: nowMs - lastTickDueMs };
        return { station: name, everyMs, ticks, missed, ...age };
      }),
      sensors: this.#stations.flatMap(({ name, channels }) =>
        channels.map((channel) => sensorStatusOf(name, channel, nowMs)),
      ),
    };
  }

  /** For the watchdog: why not every due tick was run, or undefined. */
  tickHealth(nowMonotonicMs: number): string | undefined {
    for (const station of this.#stations) {
      const reason = station.health(nowMonotonicMs);
      if (reason !== undefined) return reason;
    }
    return undefined;
  }

  #channels(): Channel[] {
    return this.#stations.flatMap(({ channels }) => channels);
  }

  #stationOf(settings: StationSettings): StationSampler {
    const { clock, source, emit } = this.#options;
    const log = this.#options.log.child({ station: settings.name });
    const names = sensorNamesOf(settings.sensors);
    const judge = this.#options.judgeOf?.(settings.name);
    return new StationSampler({
      settings,
      channels: settings.sensors.map((_, index) =>
        this.#channelOf(settings, index, { name: names[index] as string, log, judge }),
      ),
      clock,
      log,
      source,
      onRecord: (observation) => {
        this.#clockWatch.look();
        emit(observation, { urgent: false });
      },
      onMissed: (count) => this.#event(settings.name, { event: 'ticks_missed', count }),
    });
  }

  #channelOf(station: StationSettings, index: number, { name, log, judge }: ChannelPlace): Channel {
    const { clock, random, ports, source, memoryOf = keepsNothing, onSample, emit } = this.#options;
    const settings = station.sensors[index] as StationSettings['sensors'][number];
    const sensorLog = log.child({ sensor: name });
    const memory = memoryOf(station.name, name, sensorLog);
    const context: SensorContext = { clock, random, ports, log: sensorLog, memory };
    const channel: Channel = new Channel({
      name,
      settings,
      stationEveryMs: station.everyMs,
      table: this.#table,
      context,
      source,
      judge,
      onSample: (sample) => onSample?.({ station: station.name, ...sample }),
      onCalibrated: (metric, calibration) =>
        emit(this.#observation(station.name, sourceOf(channel, metric, this.#table, calibration)), { urgent: false }),
      onChange: (error) => this.#event(station.name, changeInfo(name, settings.driver.name, error)),
    });
    return channel;
  }

  #event(station: string, info: Info): void {
    this.#options.emit(this.#observation(station, info), { urgent: true });
  }

  #observation(station: string, info: Info): Observation {
    return { station, kind: 'event', ...this.#options.source.label(), metrics: {}, flags: {}, info };
  }

  /** Waits for `work`, but no longer than `limitMs`. */
  async #atMost(limitMs: number, work: Promise<unknown>): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const cancel = this.#options.clock.after(limitMs, resolve);
      work.then(() => {
        cancel();
        resolve();
      }, reject);
    });
  }
}

/** What a channel has of its station. */
interface ChannelPlace {
  readonly name: string;
  readonly log: Log;
  readonly judge: QualityJudge | undefined;
}

function changeInfo(sensor: string, driver: string, error: MooringError | undefined): Info {
  if (error === undefined) return { event: 'sensor_back', sensor, driver };
  const reason = error.message.slice(0, REASON_CHARS_MAX).toWellFormed();
  return { event: 'sensor_failed', sensor, driver, code: error.code, reason };
}

/** What a person is told: the message and what to do about it. */
export function reasonOf({ message, hint }: MooringError): string {
  return hint === undefined ? message : `${message}. ${hint}`;
}

function sensorStatusOf(station: string, { name, port, settings, supervisor }: Channel, nowMs: number): SensorStatus {
  const { state, failure, lastReadingMs } = supervisor;
  return {
    station,
    sensor: name,
    driver: settings.driver.name,
    ...(port === undefined ? {} : { port }),
    state,
    ...(lastReadingMs === undefined ? {} : { lastGoodAgeMs: nowMs - lastReadingMs }),
    ...(failure === undefined ? {} : { code: failure.code, reason: reasonOf(failure) }),
  };
}
