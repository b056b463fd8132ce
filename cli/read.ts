import { judgesOf, sensorsFolderOf } from '../daemon/app.ts';
import { busesOf } from '../daemon/buses/buses.ts';
import { thisMachine } from '../daemon/buses/hardware.ts';
import type { GatewayConfig } from '../daemon/config/types.ts';
import { controlPathOf } from '../daemon/ops/control-socket.ts';
import type { ReadAnswer } from '../daemon/ops/status.ts';
import { filesIn, readOnly } from '../daemon/sampling/memory.ts';
import { MetricTable } from '../daemon/sampling/metric-table.ts';
import { type SampledOnce, type SensorTiming, sampleOnce } from '../daemon/sampling/sample-once.ts';
import { reasonOf } from '../daemon/sampling/sampler.ts';
import { WallClock } from '../daemon/sampling/wall.ts';
import { type FlatRecord, flatRecordOf } from '../protocol/flat-record.ts';
import { runIdOf, SALT_BYTES } from '../protocol/ids.ts';
import { type Flag, type Location, type MetricValue, RESERVED_KEYS } from '../protocol/record.ts';
import { configInvalid } from '../runtime/config/problem.ts';
import { didYouMean } from '../runtime/config/suggest.ts';
import { MooringError } from '../runtime/errors.ts';
import { hardwareClockMs, kernelClockIsSynchronised } from '../runtime/kernel-clock.ts';
import { silentLog } from '../runtime/log.ts';
import { gatewayConfigOf } from './config-kind.ts';
import { askGateway } from './control.ts';
import type { Host } from './host.ts';
import { FLAG_NAMES, placeText, valueText } from './reading-text.ts';
import { simulatedMachine } from './simulation.ts';

/** The slowest chip, a gas sensor that heats itself first, takes 16 s to its first value. */
const FIRST_MS = 20_000;

export interface ReadOptions {
  /** Only this station. */
  readonly station?: string | undefined;
  readonly json: boolean;
  /** Whether the wires of this machine are replaced by simulated ones. */
  readonly simulate: boolean;
  /** Another seed is another world. */
  readonly seed?: number | undefined;
}

/**
 * `mooring read -c FILE [STATION]`: one value of every metric, as a table with how long each sensor took, or as
 * `{"records": […]}`. Where the gateway of
 * this configuration is running, its ports are busy: then it is asked for its newest records. Returns the exit status: 0,
 * or 1 when a sensor failed; one that is not ready yet has not.
 */
export async function runRead(path: string, options: ReadOptions, host: Host): Promise<number> {
  const { station, json } = options;
  const config = chosen(gatewayConfigOf(path), station);
  const running = options.simulate ? undefined : await askRunning(config, host);
  const answer: Sampled = running ?? (await sample(config, options, host));
  const { out, err } = host.streams;
  const { timings = [] } = answer;
  if (json) out.write(`${JSON.stringify({ records: answer.records })}\n`);
  else
    for (const record of answer.records) {
      out.write(tableOf(record, new MetricTable(config.metrics)));
      out.write(timingsOf(record.station as string, timings));
    }
  for (const { station, sensor, reason, code } of answer.failures) {
    err.write(`mooring: sensor ${sensor} of ${station}: ${code}: ${reason}\n`);
  }
  for (const { station, sensor, why } of timings) {
    if (why !== undefined) err.write(`mooring: sensor ${sensor} of ${station}: ${why}\n`);
  }
  return answer.failures.length === 0 ? 0 : 1;
}

function chosen(config: GatewayConfig, station: string | undefined): GatewayConfig {
  if (station === undefined) return config;
  const stations = config.stations.filter(({ name }) => name === station);
  if (stations.length > 0) return { ...config, stations };
  const names = config.stations.map(({ name }) => name);
  const hint = [didYouMean(station, names), `There are: ${names.join(', ')}.`].filter((text) => text !== '').join(' ');
  const message = `has no station ${station}`;
  throw configInvalid(config.file, [{ file: config.file, line: 0, column: 0, key: 'stations', message, hint }]);
}

async function askRunning(config: GatewayConfig, { clock }: Host): Promise<ReadAnswer | undefined> {
  let answer: ReadAnswer;
  try {
    answer = (await askGateway(controlPathOf(config.store.path), 'read', clock)) as unknown as ReadAnswer;
  } catch (error) {
    if (error instanceof MooringError && error.code === 'NOT_RUNNING') return undefined;
    throw error;
  }
  const isWanted = ({ station }: { readonly station: string }): boolean =>
    config.stations.some(({ name }) => name === station);
  return { records: answer.records.filter(isWanted), failures: answer.failures.filter(isWanted) };
}

/** Opens the sensors itself. The records are of a run that no store will ever hold, so their ids name nothing else. */
async function sample(config: GatewayConfig, options: ReadOptions, { clock, random }: Host): Promise<Sampled> {
  const { gateway } = config;
  const sampled = await sampleSensors(config, options, { clock, random });
  const run = runIdOf(gateway, random.bytes(SALT_BYTES));
  return {
    records: sampled.observations.map((observation, index) =>
      flatRecordOf({ gateway, run, record: { ...observation, sequence: index + 1 } }),
    ),
    failures: sampled.failures.map(({ station, sensor, error }) => ({
      station,
      sensor,
      code: error.code,
      reason: reasonOf(error),
    })),
    timings: sampled.timings,
  };
}

async function sampleSensors(
  config: GatewayConfig,
  options: ReadOptions,
  { clock, random }: Pick<Host, 'clock' | 'random'>,
): Promise<SampledOnce> {
  const { stations, metrics, store } = config;
  const log = silentLog;
  const machine = options.simulate
    ? await simulatedMachine(config, options, { clock, log })
    : thisMachine({ clock, log });
  const buses = busesOf({ machine, clock, log });
  try {
    return await sampleOnce({
      ...{ stations, metrics, clock, random, log },
      ports: buses.ports,
      source: new WallClock({ clock, isSynchronised: kernelClockIsSynchronised, hardwareMs: hardwareClockMs }),
      memoryOf: readOnly(filesIn(sensorsFolderOf(store.path))),
      judgeOf: judgesOf(stations),
      firstMs: FIRST_MS,
    });
  } finally {
    await buses.close();
  }
}

/** A running gateway has other things to do than to time its sensors. */
interface Sampled extends ReadAnswer {
  readonly timings?: readonly SensorTiming[];
}

/** How long each sensor of a station took, a line a sensor. */
function timingsOf(station: string, timings: readonly SensorTiming[]): string {
  const own = timings.filter((timing) => timing.station === station);
  const width = Math.max(0, ...own.map(({ sensor }) => sensor.length));
  const lines = own.map(
    ({ sensor, openMs, sampleMs }) =>
      `  ${sensor.padEnd(width)}  opened in ${Math.round(openMs)} ms, sampled in ${Math.round(sampleMs)} ms\n`,
  );
  return own.length === 0 ? '' : `\n${lines.join('')}`;
}

/** A line about the station, then a line a metric. */
function tableOf(record: FlatRecord, metrics: MetricTable): string {
  const flags = (record.flags ?? {}) as Readonly<Record<string, Flag>>;
  const names = Object.keys(record).filter((key) => !RESERVED_KEYS.has(key));
  const rows = [...new Set([...names, ...Object.keys(flags)])].map((name) => {
    const definition = metrics.definitionOf(name);
    const value = record[name] as MetricValue | undefined;
    const flag = flags[name];
    return [
      name,
      valueText(value, definition),
      value === undefined ? '' : (definition?.unit ?? ''),
      flag === undefined ? '' : FLAG_NAMES[flag],
    ] as const;
  });
  const widthOf = (column: 0 | 1 | 2): number => Math.max(0, ...rows.map((row) => row[column].length));
  const [nameWidth, valueWidth, unitWidth] = [widthOf(0), widthOf(1), widthOf(2)];
  const lines = rows.map(([name, value, unit, flag]) =>
    `  ${name.padEnd(nameWidth)}  ${value.padStart(valueWidth)} ${unit.padEnd(unitWidth)}  ${flag}`.trimEnd(),
  );
  const place = record.location === undefined ? '' : `  ${placeText(record.location as unknown as Location)}`;
  return [`${record.station}  ${record.timestamp}  clock ${record.clock}${place}`, ...lines, ''].join('\n');
}
