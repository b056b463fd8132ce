import { METRICS, type MetricType, metricNamed } from '../../../protocol/metrics.ts';
import type { MetricValue } from '../../../protocol/record.ts';
import type { Path } from '../../../runtime/config/document.ts';
import type { ConfigReader } from '../../../runtime/config/reader.ts';
import { didYouMean } from '../../../runtime/config/suggest.ts';
import { isMetricForForeign } from '../metric-names.ts';
import { convert } from '../units.ts';

const UNKNOWN_HINT = 'Write a metric of the registry, or `x_NAME` for what it does not have.';
const NAMES = METRICS.map(({ name }) => name);

/** Reports a metric that is neither of the registry nor an `x_…`. */
export function checkForeignMetric(reader: ConfigReader, metric: string, at: Path, where: 'key' | 'value'): void {
  if (isMetricForForeign(metric)) return;
  const hint = [didYouMean(metric, NAMES), UNKNOWN_HINT].filter((text) => text !== '').join(' ');
  reader.report(at, where, `\`${metric}\` is no metric`, hint);
}

/** Reports a unit that the registry's metric is not measured in. */
export function checkUnit(reader: ConfigReader, metric: string, unit: string | undefined, at: Path): void {
  const known = metricNamed(metric);
  if (known === undefined || unit === undefined) return;
  if (known.type !== 'number') {
    reader.report(at, 'key', `\`${metric}\` has no unit`, 'Remove it.');
  } else if (convert(1, unit, known.unit) === undefined) {
    const ours = known.unit === '' ? 'which has no unit' : `which is in ${known.unit}`;
    reader.report(at, 'value', `does not convert to \`${metric}\`, ${ours}`, 'Choose another unit, or an `x_…`.');
  }
}

/** Reports words that mean something of another type than the metric is. */
export function checkWords(
  reader: ConfigReader,
  { metric, expected }: { readonly metric: string; readonly expected: MetricType | undefined },
  words: Readonly<Record<string, MetricValue>> | undefined,
  at: Path,
): void {
  for (const [word, value] of Object.entries(words ?? {})) {
    if (expected !== undefined && typeOf(value) !== expected) {
      reader.report([...at, word], 'value', `is no ${expected}, which \`${metric}\` is`);
    }
  }
}

function typeOf(value: MetricValue): MetricType {
  return typeof value === 'string' ? 'text' : (typeof value as 'number' | 'boolean');
}
