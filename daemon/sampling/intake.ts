import type { Reading } from '../../drivers/driver.ts';
import type { MetricValue } from '../../protocol/record.ts';
import type { Log } from '../../runtime/log.ts';
import type { Calibration, MetricCalibration } from '../quality/types.ts';
import type { MetricTable } from './metric-table.ts';
import { type Share, used } from './pushed-values.ts';
import { metricNamesOf, rawNameOf, type SensorSettings } from './station.ts';

/** From a driver's reading to values that may stand in a record: renamed, of the metric's type, calibrated, rounded. */
export class Intake {
  /** The names in records of everything that the sensor may give. */
  readonly names: readonly string[];
  readonly #announced: ReadonlySet<string>;
  readonly #rename: Readonly<Record<string, string>>;
  readonly #calibrations: Readonly<Record<string, MetricCalibration>>;
  readonly #table: MetricTable;
  readonly #log: Log;
  readonly #refused = new Set<string>();

  constructor(settings: SensorSettings, table: MetricTable, log: Log) {
    this.names = metricNamesOf(settings);
    this.#announced = new Set(this.names);
    this.#rename = settings.rename;
    this.#calibrations = settings.calibrations ?? {};
    this.#table = table;
    this.#log = log;
  }

  /**
   * A value of the wrong type counts as missing; a metric that the driver never announced is left out. `timestampMs`: the
   * label's time, which says which calibration holds.
   */
  read({ metrics, missing = [] }: Reading, timestampMs: number): Share {
    const admitted: Record<string, MetricValue> = {};
    const absent: string[] = [];
    const calibrations: Record<string, Calibration | undefined> = {};
    for (const [own, value] of Object.entries(metrics)) {
      const name = this.#rename[own] ?? own;
      if (!this.#announced.has(name)) {
        this.#refuse(name, 'the driver did not announce it');
        continue;
      }
      const calibration = this.#calibrations[name];
      if (calibration !== undefined) calibrations[name] = calibration.at(timestampMs);
      const calibrated = typeof value === 'number' ? (calibrations[name]?.apply(value) ?? value) : value;
      this.#admit(name, calibrated, admitted, absent);
      if (calibration?.keepsRaw === true) this.#admit(rawNameOf(name), value, admitted, absent);
    }
    for (const own of missing) {
      const name = this.#rename[own] ?? own;
      if (!this.#announced.has(name)) continue;
      absent.push(name);
      if (this.#calibrations[name]?.keepsRaw === true) absent.push(rawNameOf(name));
    }
    return { metrics: admitted, missing: absent, ...used(calibrations) };
  }

  #admit(name: string, value: MetricValue, admitted: Record<string, MetricValue>, absent: string[]): void {
    const admittedValue = this.#table.admit(name, value);
    if (admittedValue !== undefined) {
      admitted[name] = admittedValue;
      return;
    }
    this.#refuse(name, 'its value is not of its type');
    absent.push(name);
  }

  #refuse(metric: string, reason: string): void {
    if (this.#refused.has(metric)) return;
    this.#refused.add(metric);
    this.#log.error({ metric, reason }, 'a metric was refused');
  }
}
