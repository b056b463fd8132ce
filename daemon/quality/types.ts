import type { Flag, JsonValue, MetricValue } from '../../protocol/record.ts';

/** One sample of one sensor, as it stands in records: renamed, calibrated, rounded. */
export interface JudgedSample {
  readonly metrics: Readonly<Record<string, MetricValue>>;
  readonly missing: readonly string[];
}

/** When a sample was complete: what rules measure time by, and the label that says which month it is. */
export interface SampleTime {
  readonly monotonicMs: number;
  readonly timestampMs: number;
}

/** Flags the values of one station as they come. Sees only the past, never holds a value back, never drops one. */
export interface QualityJudge {
  /** The flags of the sample's metrics that are not 1 (pass); 9 for what is missing. */
  judge(sample: JudgedSample, at: SampleTime): Readonly<Record<string, Flag>>;
}

/** How one metric of one sensor is calibrated, at one time. */
export interface Calibration {
  /** The name that the configuration gives it. */
  readonly id: string | undefined;
  /** Unit of the raw value. */
  readonly rawUnit: string;
  /** The coefficients, as they stand in the `event: source` record: `{ offset: -0.3 }`. */
  readonly terms: { readonly [key: string]: JsonValue };
  /** Raw value → true value in the metric's unit. Strictly monotone over the sensor's range. */
  apply(raw: number): number;
}

/** All calibrations of one metric of one sensor, by the date from which each holds. */
export interface MetricCalibration {
  /** Whether `<metric>_raw` stands in the record beside it. */
  readonly keepsRaw: boolean;
  /** Which one holds at a time of the label, UTC milliseconds; undefined before the first date. */
  at(timestampMs: number): Calibration | undefined;
}
