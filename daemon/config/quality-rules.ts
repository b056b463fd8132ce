import type { Path } from '../../runtime/config/document.ts';
import type { ConfigReader } from '../../runtime/config/reader.ts';
import type { ClimatologyMember } from '../quality/climatology.ts';
import type { Limits, Span } from '../quality/flags.ts';
import { ATTENUATED_VALUES_MIN, type MetricRules, OUTLIER_VALUES_MIN } from '../quality/rules.ts';
import type { MetricRulesKeys } from './quality-schema.ts';

/** Rules as they are applied, of rules as they are written. `resolution`: of the metric, 0 where it has none. */
export function rulesOf(keys: MetricRulesKeys, resolution: number): MetricRules {
  const { gross_range: gross, climatology, spike, rate_of_change: rate, flat_line: flat, attenuated, outlier } = keys;
  return {
    ...(gross && { grossRange: limitsOf<Span>(gross) }),
    ...(climatology && { climatology: climatology.flatMap(membersOf) }),
    ...(spike && { spike: limitsOf<number>(spike) }),
    ...(rate && {
      rateOfChange: { suspect: perSecond(rate.suspect, rate.per), fail: perSecond(rate.fail, rate.per) },
    }),
    ...(flat && { flatLine: { tolerance: flat.tolerance, durationMs: limitsOf<number>(flat) } }),
    ...(attenuated && { attenuated: { ...limitsOf<number>(attenuated), periodMs: attenuated.over } }),
    ...(outlier && { outlier: outlierOf(outlier, resolution) }),
  };
}

function limitsOf<Limit>({ suspect, fail }: { suspect?: Limit | undefined; fail?: Limit | undefined }): Limits<Limit> {
  return { suspect, fail };
}

function perSecond(change: number | undefined, perMs: number): number | undefined {
  return change === undefined ? undefined : (change * 1000) / perMs;
}

function membersOf(keys: NonNullable<MetricRulesKeys['climatology']>[number]): ClimatologyMember[] {
  return keys.months.map((month) => ({ period: 'month', season: [month, month], limits: limitsOf<Span>(keys) }));
}

type OutlierKeys = NonNullable<MetricRulesKeys['outlier']>;

function outlierOf({ mean, sigma, adaptive, k }: OutlierKeys, resolution: number): NonNullable<MetricRules['outlier']> {
  if (adaptive !== undefined) return { windowMs: adaptive, k, spreadMin: resolution };
  return { mean: mean ?? 0, sigma: sigma ?? 0, k };
}

/** Reports what makes no sense in the rules of one metric. */
export function checkRules(reader: ConfigReader, path: Path, rules: MetricRulesKeys): void {
  const { gross_range: gross, climatology = [], outlier } = rules;
  if (gross !== undefined) checkSpans(reader, [...path, 'gross_range'], gross);
  for (const [index, member] of climatology.entries()) checkSpans(reader, [...path, 'climatology', index], member);
  checkMonths(reader, [...path, 'climatology'], climatology);
  for (const rule of ['spike', 'rate_of_change', 'flat_line'] as const) {
    checkThresholds(reader, [...path, rule], rules[rule], (suspect, fail) => suspect <= fail, 'is more than `fail`');
  }
  const { attenuated } = rules;
  checkThresholds(
    reader,
    [...path, 'attenuated'],
    attenuated,
    (suspect, fail) => suspect >= fail,
    'is less than `fail`',
  );
  if (outlier !== undefined) checkOutlier(reader, [...path, 'outlier'], outlier);
}

interface SpanKeys {
  readonly suspect?: Span | undefined;
  readonly fail?: Span | undefined;
}

function checkSpans(reader: ConfigReader, path: Path, { suspect, fail }: SpanKeys): void {
  if (suspect === undefined && fail === undefined) reportNeither(reader, path);
  for (const [key, each] of [
    ['suspect', suspect],
    ['fail', fail],
  ] as const) {
    if (each === undefined || each[0] < each[1]) continue;
    reader.report([...path, key], 'value', 'is empty', 'Write `[lowest, highest]`.');
    return;
  }
  if (suspect === undefined || fail === undefined || (suspect[0] >= fail[0] && suspect[1] <= fail[1])) return;
  const hint = 'What fails is further out than what is suspect.';
  reader.report([...path, 'suspect'], 'value', 'reaches beyond `fail`', hint);
}

function checkMonths(reader: ConfigReader, path: Path, members: NonNullable<MetricRulesKeys['climatology']>): void {
  const firstIn = new Map<number, number>();
  for (const [index, { months }] of members.entries()) {
    for (const [place, month] of months.entries()) {
      const first = firstIn.get(month);
      if (first === undefined) firstIn.set(month, index);
      else reader.report([...path, index, 'months', place], 'value', `month ${month} stands twice`, 'Remove one.');
    }
  }
}

interface ThresholdKeys {
  readonly suspect?: number | undefined;
  readonly fail?: number | undefined;
}

function checkThresholds(
  reader: ConfigReader,
  path: Path,
  keys: ThresholdKeys | undefined,
  isRight: (suspect: number, fail: number) => boolean,
  message: string,
): void {
  if (keys === undefined) return;
  const { suspect, fail } = keys;
  if (suspect === undefined && fail === undefined) reportNeither(reader, path);
  if (suspect === undefined || fail === undefined || isRight(suspect, fail)) return;
  reader.report([...path, 'suspect'], 'value', message, 'What fails is worse than what is suspect.');
}

function reportNeither(reader: ConfigReader, path: Path): void {
  reader.report(path, 'key', 'says neither `suspect` nor `fail`', 'Write one of them, or both.');
}

function checkOutlier(reader: ConfigReader, path: Path, { mean, sigma, adaptive }: OutlierKeys): void {
  if (adaptive !== undefined) {
    for (const [key, value] of [
      ['mean', mean],
      ['sigma', sigma],
    ] as const) {
      if (value !== undefined) reader.report([...path, key], 'key', 'stands beside `adaptive`', 'Remove one of them.');
    }
  } else if (mean === undefined || sigma === undefined) {
    const hint = 'Write `{ mean: 25, sigma: 2, k: 3.72 }`, or `{ adaptive: 5m, k: 5 }`.';
    const missing = mean === undefined ? 'mean' : 'sigma';
    reader.report(path, 'key', `says neither \`adaptive\` nor \`${missing}\``, hint);
  }
}

/** Values that a duration has to span before its rule can say anything. */
const FLAT_LINE_VALUES_MIN = 2;

/** Reports durations that are too short for how often the metric is measured at a station. */
export function checkCadence(
  reader: ConfigReader,
  path: Path,
  { flat_line: flat, attenuated, outlier }: MetricRulesKeys,
  station: string,
  everyMs: number,
): void {
  const check = (at: Path, durationMs: number | undefined, valuesMin: number): void => {
    if (durationMs === undefined || durationMs >= valuesMin * everyMs) return;
    const message = `is too short for \`${station}\`, which measures it every ${everyMs / 1000}s`;
    reader.report([...path, ...at], 'value', message, `It has to span ${valuesMin} values.`);
  };
  check(['flat_line', 'suspect'], flat?.suspect, FLAT_LINE_VALUES_MIN);
  check(['flat_line', 'fail'], flat?.fail, FLAT_LINE_VALUES_MIN);
  check(['attenuated', 'over'], attenuated?.over, ATTENUATED_VALUES_MIN);
  check(['outlier', 'adaptive'], outlier?.adaptive, OUTLIER_VALUES_MIN);
}
