import type { Info } from '../../protocol/record.ts';
import type { Channel } from './channel.ts';
import type { MetricTable } from './metric-table.ts';

/**
 * What the `event: source` record of a metric says: where its values come from and, where they are calibrated, how, with the
 * unit and the coefficients. A value's calibration is that of the last such record before it.
 */
export function sourceOf(channel: Channel, metric: string, table: MetricTable): Info {
  const calibration = channel.calibrationOf(metric);
  const unit = table.definitionOf(metric)?.unit ?? '';
  return {
    event: 'source',
    metric,
    driver: channel.settings.driver.name,
    ...(channel.port === undefined ? {} : { port: channel.port }),
    ...(unit === '' ? {} : { unit }),
    ...(calibration === undefined
      ? {}
      : {
          calibration: { ...(calibration.id === undefined ? {} : { id: calibration.id }), ...calibration.terms },
          raw_unit: calibration.rawUnit,
        }),
  };
}
