import type { ConfigReader } from '../../runtime/config/reader.ts';
import { pattern } from '../../runtime/config/values.ts';

const TIME_OF_DAY = /^([01]\d|2[0-3]):([0-5]\d)$/;
/** When daily jobs are done, where nobody says it: the last hour of the day before is Parquet by then. */
export const DAILY_AT = '03:10';

/** `daily_at`. */
export const dailyAt = () =>
  pattern(TIME_OF_DAY, 'a time of day', 'Write hours and minutes, UTC: 03:10.')
    .optional()
    .meta({ defaultText: DAILY_AT })
    .describe('When what is done once a day is done, UTC: retention of indices, manifests of `files`');

/** Minutes after midnight. */
export function minutesOf(timeOfDay: string): number {
  const [, hours, minutes] = TIME_OF_DAY.exec(timeOfDay) ?? [];
  return Number(hours) * 60 + Number(minutes);
}

/** Reports a time at which there is nothing to do. */
export function checkDaily(reader: ConfigReader): void {
  if (reader.valueAt(['daily_at']) === undefined) return;
  const sinks = Object.keys(reader.mappingAt(['sinks']) ?? {});
  const hasJob = sinks.some(
    (name) =>
      reader.valueAt(['sinks', name, 'elasticsearch', 'retention']) !== undefined ||
      reader.valueAt(['sinks', name, 'files', 'manifests']) === true,
  );
  if (hasJob) return;
  const hint = 'Remove it, or add `retention` to an `elasticsearch` sink, or `manifests: true` to a `files` sink.';
  reader.report(['daily_at'], 'key', 'has no effect: nothing is done once a day', hint);
}
