import { METRICS } from '../../protocol/metrics.ts';
import { METRIC_NAME_PATTERN, NAME_PATTERN, RESERVED_KEYS } from '../../protocol/record.ts';
import { pattern } from '../../runtime/config/values.ts';

const NAME_HINT = 'A name has 1 to 63 of a-z, 0-9, dot, underscore, hyphen, and begins with a letter or digit.';

/** The name of a gateway, station, forwarder, alarm or actuator. */
export const name = (what: string) =>
  pattern(NAME_PATTERN, `the name of ${/^[aeiou]/.test(what) ? 'an' : 'a'} ${what}`, NAME_HINT);

export const metricName = () =>
  pattern(
    METRIC_NAME_PATTERN,
    'the name of a metric',
    'A metric is named by 1 to 48 of a-z, 0-9 and underscore, and begins with a letter.',
  );

export const reservedNames = [...RESERVED_KEYS];

/** A name that neither the registry nor the record itself has; the program says which of both it is. */
export const newMetricName = () =>
  metricName().meta({ not: { enum: [...reservedNames, ...METRICS.map((metric) => metric.name)] } });
