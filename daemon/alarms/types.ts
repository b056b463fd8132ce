import type { Flag, MetricValue } from '../../protocol/record.ts';

/** One sample of one sensor, judged: what alarms are evaluated on, before any record exists. */
export interface AlarmSample {
  readonly station: string;
  readonly metrics: Readonly<Record<string, MetricValue>>;
  /** Flags that are not 1 (pass). */
  readonly flags: Readonly<Record<string, Flag>>;
  /** Metrics that could not be had. */
  readonly missing: readonly string[];
}

/**
 * An output line in the hands of a helper process that outlives this one: the helper holds the timers, so that a killed or a
 * stopped daemon leaves nothing switched on.
 */
export interface ActuatorOutput {
  /** Takes the line at its safe level. Throws `PORT_ABSENT`, `PORT_BUSY`, `PORT_PERMISSION`, `ACTUATOR_FAILED`. */
  open(signal: AbortSignal): Promise<void>;
  /**
   * Tells the helper to repeat a pattern, in place of what it plays, for `limitMs` at the longest (undefined: until told
   * otherwise or this process is gone). Returns when the words are written to it; never throws: `onFailure` hears.
   */
  play(pattern: ActuatorPattern, limitMs: number | undefined): void;
  /** Back to the safe level. */
  rest(): void;
  /** At the safe level, and given back. Safe whether or not `open` succeeded. */
  close(): Promise<void>;
}

/** Milliseconds on, off, on, off, … over and over; an empty list: on. */
export type ActuatorPattern = readonly number[];

export interface ActuatorOutputSettings {
  /** By name (`GPIO17`), or label of its chip and offset (`pinctrl-bcm2711/17`). */
  readonly line: string;
  /** The level that switches it on. */
  readonly active: 'high' | 'low';
  /** Whether it is switched on or off at rest, at exit and after a crash. */
  readonly safe: 'on' | 'off';
  /** Called when the helper or the line is lost; the owner opens it again. */
  readonly onFailure: (error: Error) => void;
}
