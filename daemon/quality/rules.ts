import type { ClimatologyMember } from './climatology.ts';
import type { Limits, Span } from './flags.ts';

/** The rules of one metric. Each that is there says a flag for every value; `aggregate` makes one of them. */
export interface MetricRules {
  readonly grossRange?: Limits<Span>;
  readonly climatology?: readonly ClimatologyMember[];
  /** In the metric's unit. */
  readonly spike?: Limits<number>;
  /** In the metric's unit per second. */
  readonly rateOfChange?: Limits<number>;
  readonly flatLine?: FlatLineRule;
  readonly attenuated?: AttenuatedRule;
  readonly outlier?: FixedOutlierRule | AdaptiveOutlierRule;
}

/** A sensor that is stuck: its values have stayed within less than `tolerance` for a duration. */
export interface FlatLineRule {
  /** In the metric's unit, above 0. */
  readonly tolerance: number;
  readonly durationMs: Limits<number>;
}

/** A sensor that is fouled or blocked: its values vary less than they ought to. */
export interface AttenuatedRule extends Limits<number> {
  /** The window (t - period, t]. */
  readonly periodMs: number;
}

/** Beyond `mean` ± `k` `sigma` a value is suspect. */
export interface FixedOutlierRule {
  readonly mean: number;
  readonly sigma: number;
  readonly k: number;
}

/** The same against the median of what came in [t - window, t), and its median absolute deviation. */
export interface AdaptiveOutlierRule {
  readonly windowMs: number;
  readonly k: number;
  /** The least deviation that counts as usual, in the metric's unit: one step of its resolution. */
  readonly spreadMin: number;
}

/** Values that a window holds before a signal can be called attenuated. */
export const ATTENUATED_VALUES_MIN = 3;

/** Values that a window holds before it can say what an outlier is. */
export const OUTLIER_VALUES_MIN = 8;

/** Standard deviation of a normal distribution, in median absolute deviations: 1 / Φ⁻¹(3/4). */
export const SIGMA_PER_MAD = 1.4826;
