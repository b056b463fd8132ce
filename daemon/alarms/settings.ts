import type { ActuatorOutputSettings, ActuatorPattern } from './types.ts';

/** From the least to the most urgent. */
export const ALARM_LEVELS = ['info', 'warning', 'critical'] as const;
export type AlarmLevel = (typeof ALARM_LEVELS)[number];

/** What is looked for in the values of one metric. */
export type MetricTest =
  /** Holds while the value is beyond `limit`, and ends when it is at `clear` or on its other side. */
  | { readonly kind: 'above' | 'below'; readonly limit: number; readonly clear: number }
  /** The value is `by` or more above its lowest (below its highest) of the last `withinMs`. */
  | { readonly kind: 'rises' | 'falls'; readonly by: number; readonly withinMs: number }
  /** No value for this long, since the start too. */
  | { readonly kind: 'stale'; readonly forMs: number }
  /** The value's flag is this one or worse; missing is no flag of a value. */
  | { readonly kind: 'flag'; readonly from: 3 | 4 }
  /** The value of a switch, or of a text, is this. */
  | { readonly kind: 'is'; readonly value: boolean | string };

export interface MetricCondition {
  readonly metric: string;
  readonly test: MetricTest;
}

export interface AlarmCondition {
  /** Whether all of its tests have to hold, or any; the same where there is one. */
  readonly when: 'all' | 'any';
  readonly tests: readonly MetricCondition[];
}

export interface AlarmSettings {
  readonly name: string;
  /** For each of them it is an alarm of its own. */
  readonly stations: readonly string[];
  readonly level: AlarmLevel;
  readonly condition: AlarmCondition;
  /** Whether values with the flags 3 and 4 count as missing. */
  readonly isForGoodOnly: boolean;
  /** For how long the condition has to hold before it is raised, and to be gone before it is cleared. */
  readonly afterMs: number;
  readonly clearAfterMs: number;
  /** Whether it stands until it is acknowledged, though the condition is gone. */
  readonly isLatched: boolean;
  /** For how long `silence` silences it where nothing is said. */
  readonly silenceMs: number;
  /** Actuators, by name. */
  readonly actuators: readonly string[];
  /** More actuators, in order of time since it was raised, as long as nobody acknowledges. */
  readonly escalation: readonly EscalationStep[];
}

export interface EscalationStep {
  readonly afterMs: number;
  readonly actuators: readonly string[];
}

export interface ActuatorSettings extends Omit<ActuatorOutputSettings, 'onFailure'> {
  readonly name: string;
  /** By the most urgent level of the alarms that want it. */
  readonly patterns: Readonly<Record<AlarmLevel, ActuatorPattern>>;
  /** The longest that it plays for one alarm; undefined: as long as the alarm wants. */
  readonly limitMs: number | undefined;
}

export type ButtonAction = 'ack' | 'silence';

export interface ButtonSettings {
  readonly name: string;
  /** By name (`GPIO17`), or label of its chip and offset (`pinctrl-bcm2711/17`). */
  readonly line: string;
  /** The level while it is pressed. */
  readonly active: 'high' | 'low';
  readonly bias: 'up' | 'down' | 'none';
  readonly debounceMs: number;
  /** What it does to every alarm that stands, when it is pressed and let go, and when it is held. */
  readonly press: ButtonAction | undefined;
  readonly hold: ButtonAction | undefined;
}
