import type { Info } from '../../protocol/record.ts';
import type { Calibration } from '../quality/types.ts';
import type { Channel } from './channel.ts';
import type { MetricTable } from './metric-table.ts';

export interface SourceOptions {
  /** Its name in records. */
  readonly metric: string;
  readonly driver: string;
  readonly port: string | undefined;
  /** Of the metric; '' where it has none. */
  readonly unit: string;
  readonly calibration: Pick<Calibration, 'id' | 'terms' | 'rawUnit'> | undefined;
}

/**
 * What the `event: source` record of a metric says: where its values come from and, where they are calibrated, how, with the
 * unit and the coefficients. A value's calibration is that of the last such record before it.
 */
export function sourceInfo({ metric, driver, port, unit, calibration }: SourceOptions): Info {
  return {
    event: 'source',
    metric,
    driver,
    ...(port === undefined ? {} : { port }),
    ...(unit === '' ? {} : { unit }),
    ...(calibration === undefined
      ? {}
      : {
          calibration: { ...(calibration.id === undefined ? {} : { id: calibration.id }), ...calibration.terms },
          raw_unit: calibration.rawUnit,
        }),
  };
}

/** The same of a channel's metric under a calibration. */
export function sourceOf(
  channel: Channel,
  metric: string,
  table: MetricTable,
  calibration: Calibration | undefined,
): Info {
  return sourceInfo({
    metric,
    driver: channel.settings.driver.name,
    port: channel.port,
    unit: table.definitionOf(metric)?.unit ?? '',
    calibration,
  });
}
