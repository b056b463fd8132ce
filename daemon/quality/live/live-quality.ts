import type { Flag } from '../../../protocol/record.ts';
import { climatologyFlag } from '../climatology.ts';
import { aggregate, flagAbove, flagOutside, MISSING, PASS } from '../flags.ts';
import type { MetricRules } from '../rules.ts';
import type { JudgedSample, QualityJudge, SampleTime } from '../types.ts';
import { LiveAdaptiveOutlier } from './adaptive-outlier.ts';
import { LiveAttenuated } from './attenuated.ts';
import { LiveFlatLine } from './flat-line.ts';
import { LiveRateOfChange } from './rate-of-change.ts';
import type { LiveRule } from './rule.ts';
import { LiveSpike } from './spike.ts';

/** The rules of one station, as its samples come. A metric without rules, a boolean or a text gets no flag but 9. */
export class LiveQuality implements QualityJudge {
  readonly #rules: ReadonlyMap<string, readonly LiveRule[]>;

  constructor(rules: Readonly<Record<string, MetricRules>>) {
    this.#rules = new Map(Object.entries(rules).map(([metric, each]) => [metric, liveRulesOf(each)]));
  }

  judge({ metrics, missing }: JudgedSample, at: SampleTime): Readonly<Record<string, Flag>> {
    const flags: Record<string, Flag> = {};
    for (const metric of missing) {
      flags[metric] = MISSING;
      for (const rule of this.#rules.get(metric) ?? []) rule.miss?.();
    }
    for (const [metric, value] of Object.entries(metrics)) {
      const rules = this.#rules.get(metric);
      if (rules === undefined || rules.length === 0 || typeof value !== 'number') continue;
      const flag = aggregate(rules.map((rule) => rule.judge(value, at)));
      if (flag !== PASS) flags[metric] = flag;
    }
    return flags;
  }
}

function liveRulesOf(rules: MetricRules): LiveRule[] {
  const { grossRange, climatology, spike, rateOfChange, flatLine, attenuated, outlier } = rules;
  return [
    grossRange && { judge: (value: number) => flagOutside(value, grossRange) },
    climatology && {
      judge: (value: number, { timestampMs }: SampleTime) => climatologyFlag(value, timestampMs, climatology),
    },
    spike && new LiveSpike(spike),
    rateOfChange && new LiveRateOfChange(rateOfChange),
    flatLine && new LiveFlatLine(flatLine),
    attenuated && new LiveAttenuated(attenuated),
    outlier && outlierRuleOf(outlier),
  ].filter((rule) => rule !== undefined);
}

function outlierRuleOf(rule: NonNullable<MetricRules['outlier']>): LiveRule {
  if ('windowMs' in rule) return new LiveAdaptiveOutlier(rule);
  const limits = { suspect: rule.k * rule.sigma, fail: undefined };
  return { judge: (value) => flagAbove(Math.abs(value - rule.mean), limits) };
}
