import type { Info } from '../../protocol/record.ts';
import type { Log } from '../../runtime/log.ts';

const MESSAGES: Readonly<Record<string, string>> = {
  raised: 'an alarm is raised',
  cleared: 'an alarm is cleared',
  acknowledged: 'an alarm is acknowledged',
  silenced: 'an alarm is silenced',
};

/**
 * A line of the log for what its record says has happened to an alarm of `station`: one that is raised to warn or worse is
 * a warning. None for a step that follows from such a one by time alone.
 */
export function logAlarm(log: Log, station: string, { event, alarm, level, metric, value, values }: Info): void {
  const message = MESSAGES[String(event)];
  if (message === undefined) return;
  const seen = metric === undefined ? { values } : { metric, ...(value === undefined ? {} : { value }) };
  // `level` is how important the line is.
  const fields = { alarm, station, alarmLevel: level, ...seen };
  if (event === 'raised' && level !== 'info') log.warn(fields, message);
  else log.info(fields, message);
}
