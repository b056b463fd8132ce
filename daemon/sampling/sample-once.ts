import type { Ports, Reading, Sensor, SensorContext } from '../../drivers/driver.ts';
import type { Flag, Location, MetricValue, Observation } from '../../protocol/record.ts';
import type { Clock } from '../../runtime/clock.ts';
import { type MooringError, toMooringError } from '../../runtime/errors.ts';
import type { Log } from '../../runtime/log.ts';
import type { Random } from '../../runtime/random.ts';
import type { QualityJudge } from '../quality/types.ts';
import { deadlinePassed, GuardedCall } from './guarded-call.ts';
import { Intake } from './intake.ts';
import { keepsNothing, type MemoryOf } from './memory.ts';
import { MetricTable } from './metric-table.ts';
import { roundLocation } from './place.ts';
import {
  type MetricExtension,
  metricNamesOf,
  type SensorSettings,
  type StationSettings,
  sensorNamesOf,
} from './station.ts';
import type { ClockSource } from './wall.ts';

export interface SampleOnceOptions {
  readonly stations: readonly StationSettings[];
  readonly metrics: readonly MetricExtension[];
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly ports: Ports;
  /** Left out: sensors keep nothing. What they keep is read and not changed. */
  readonly memoryOf?: MemoryOf;
  readonly source: ClockSource;
  /** Judges what a station measures; left out: nothing is judged. */
  readonly judgeOf?: (station: string) => QualityJudge | undefined;
  /** How long opening, and then the first value, may take, in milliseconds; 10 s if left out. */
  readonly firstMs?: number;
  /** How long a pushed sensor is listened to after its first value, as it says one thing after another; 2 s if left out. */
  readonly listenMs?: number;
}

export interface SensorFailure {
  readonly station: string;
  readonly sensor: string;
  readonly error: MooringError;
}

export interface SampledOnce {
  /** One per station, in the order of the configuration. What a failed sensor should have given has flag 9. */
  readonly observations: readonly Observation[];
  readonly failures: readonly SensorFailure[];
  /** Of each sensor that has given something. */
  readonly timings: readonly SensorTiming[];
}

/** How long a sensor took, in milliseconds. */
export interface SensorTiming {
  readonly station: string;
  readonly sensor: string;
  readonly openMs: number;
  /** From then to its first value; of one that speaks by itself also the time for which it was heard. */
  readonly sampleMs: number;
  /** Why it has not given all of its values, where its driver says so. */
  readonly why?: string;
}

const FIRST_MS = 10_000;
const LISTEN_MS = 2000;
/** A sensor that has nothing to say yet is asked again after this, in milliseconds. */
const AGAIN_MS = 250;
const CLOSE_DEADLINE_MS = 3000;
const MISSING: Flag = 9;

/** Opens every sensor, takes one sample of each, and closes it: `mooring read`. All sensors at once. */
export async function sampleOnce(options: SampleOnceOptions): Promise<SampledOnce> {
  const results = await Promise.all(options.stations.map(async (station) => await sampleStation(station, options)));
  return {
    observations: results.map(({ observation }) => observation),
    failures: results.flatMap(({ failures }) => failures),
    timings: results.flatMap(({ timings }) => timings),
  };
}

interface StationResult {
  readonly observation: Observation;
  readonly failures: readonly SensorFailure[];
  readonly timings: readonly SensorTiming[];
}

async function sampleStation(station: StationSettings, options: SampleOnceOptions): Promise<StationResult> {
  const names = sensorNamesOf(station.sensors);
  const failures: SensorFailure[] = [];
  const timings: SensorTiming[] = [];
  const metrics: Record<string, MetricValue> = {};
  const flags: Record<string, Flag> = {};
  let location: Location | undefined = station.location === 'gps' ? undefined : station.location;
  await Promise.all(
    station.sensors.map(async (settings, index) => {
      const sensor = names[index] as string;
      const log = options.log.child({ station: station.name, sensor });
      try {
        const memory = (options.memoryOf ?? keepsNothing)(station.name, sensor, log);
        const share = await sampleSensor(settings, { ...options, log, memory });
        Object.assign(metrics, share.metrics);
        for (const name of share.missing) flags[name] = MISSING;
        const { openMs, sampleMs, why } = share;
        timings.push({ station: station.name, sensor, openMs, sampleMs, ...(why === undefined ? {} : { why }) });
        if (station.location === 'gps' && share.location !== undefined) location = roundLocation(share.location);
      } catch (cause) {
        failures.push({
          station: station.name,
          sensor,
          error: toMooringError(cause, 'SENSOR_FAILED', 'the sensor failed'),
        });
        for (const name of metricNamesOf(settings)) flags[name] = MISSING;
      }
    }),
  );
  for (const name of Object.keys(metrics)) delete flags[name];
  const label = options.source.label();
  const time = { monotonicMs: options.clock.monotonicMs(), timestampMs: label.timestampMs };
  const judged = options.judgeOf?.(station.name)?.judge({ metrics, missing: Object.keys(flags) }, time) ?? {};
  const observation: Observation = {
    station: station.name,
    kind: 'sample',
    ...label,
    metrics,
    flags: { ...judged, ...flags },
    ...(location === undefined ? {} : { location }),
  };
  return { observation, failures, timings };
}

interface SensorSample {
  readonly metrics: Record<string, MetricValue>;
  readonly missing: Set<string>;
  location?: Location;
  openMs: number;
  sampleMs: number;
  /** What the driver said with its last reading. */
  why?: string | undefined;
}

async function sampleSensor(
  settings: SensorSettings,
  options: SampleOnceOptions & Pick<SensorContext, 'memory'>,
): Promise<SensorSample> {
  const { clock, random, log, ports, source, memory } = options;
  const sensor = settings.driver.create(settings.options as never, { clock, random, log, ports, memory });
  const intake = new Intake(settings, new MetricTable(options.metrics), log);
  const call = new GuardedCall(clock, new AbortController().signal);
  const sample: SensorSample = { metrics: {}, missing: new Set(), openMs: 0, sampleMs: 0 };
  const take = (reading: Reading): void => {
    if (reading.utcMs !== undefined) source.heardUtc(reading.utcMs);
    if (reading.location !== undefined) sample.location = reading.location;
    const share = intake.read(reading, source.label().timestampMs);
    Object.assign(sample.metrics, share.metrics);
    for (const name of share.missing) sample.missing.add(name);
    sample.why = reading.why;
  };
  try {
    const startMs = clock.monotonicMs();
    await call.run('open', options.firstMs ?? FIRST_MS, async (signal) => await sensor.open(signal));
    const openedMs = clock.monotonicMs();
    if (sensor.mode === 'polled') {
      const ask = async (signal: AbortSignal): Promise<Reading> => await sensor.sample(signal);
      await askUntilThere(async () => await call.run('sample', settings.deadlineMs, ask), take, options);
    } else {
      await listen(sensor, call, take, options);
    }
    sample.openMs = openedMs - startMs;
    sample.sampleMs = clock.monotonicMs() - openedMs;
  } finally {
    await close(sensor, call, log);
  }
  return sample;
}

/** Asks until there is a value: a chip may take seconds for its first one. */
async function askUntilThere(
  ask: () => Promise<Reading>,
  take: (reading: Reading) => void,
  { clock, firstMs = FIRST_MS }: SampleOnceOptions,
): Promise<void> {
  const untilMs = clock.monotonicMs() + firstMs;
  for (;;) {
    const reading = await ask();
    take(reading);
    if (Object.keys(reading.metrics).length > 0) return;
    if (clock.monotonicMs() + AGAIN_MS > untilMs) {
      if (reading.missing === undefined) throw deadlinePassed('sample', firstMs);
      return;
    }
    await clock.sleep(AGAIN_MS);
  }
}

/** Hears a sensor that speaks by itself: waits for its first reading, then takes what comes for a while. */
async function listen(
  sensor: Extract<Sensor, { mode: 'pushed' }>,
  call: GuardedCall,
  take: (reading: Reading) => void,
  { clock, firstMs = FIRST_MS, listenMs = LISTEN_MS }: SampleOnceOptions,
): Promise<void> {
  const enough = new AbortController();
  const after = (durationMs: number): (() => void) => clock.after(durationMs, () => enough.abort());
  let isHeard = false;
  let cancel = after(firstMs);
  try {
    await call.run('readings', firstMs + listenMs + CLOSE_DEADLINE_MS, async (signal) => {
      for await (const reading of sensor.readings(AbortSignal.any([signal, enough.signal]))) {
        take(reading);
        if (isHeard) continue;
        isHeard = true;
        cancel();
        cancel = after(listenMs);
      }
    });
  } finally {
    cancel();
  }
  if (!isHeard) throw deadlinePassed('readings', firstMs);
}

async function close(sensor: Sensor, call: GuardedCall, log: Log): Promise<void> {
  // One that hangs is left alone: its methods are never called while another of them runs.
  if (call.isOut) return;
  try {
    await call.run('close', CLOSE_DEADLINE_MS, async () => await sensor.close());
  } catch (error) {
    log.warn({ err: error }, 'the sensor did not close');
  }
}
