import { NAME_PATTERN } from '../../protocol/record.ts';
import type { KeptLife } from './life.ts';
import { ALARM_LEVELS, type AlarmLevel } from './settings.ts';

/** What is kept of one alarm that stands. */
export interface KeptAlarm extends KeptLife {
  readonly alarm: string;
  readonly station: string;
  readonly level: AlarmLevel;
}

/** What the file holds. */
export interface KeptAlarms {
  readonly version: 1;
  readonly alarms: readonly KeptAlarm[];
}

/** What a file says; undefined where that is not what this program writes. */
export function keptAlarmsOf(value: unknown): readonly KeptAlarm[] | undefined {
  if (!isMapping(value) || value.version !== 1 || !Array.isArray(value.alarms)) return undefined;
  return value.alarms.every(isKeptAlarm) ? value.alarms : undefined;
}

function isKeptAlarm(value: unknown): value is KeptAlarm {
  if (!isMapping(value)) return false;
  const { alarm, station, level, isActive, isAcknowledged, stoodMs, silencedMs, escalated } = value;
  return (
    isName(alarm) &&
    isName(station) &&
    ALARM_LEVELS.some((each) => each === level) &&
    typeof isActive === 'boolean' &&
    typeof isAcknowledged === 'boolean' &&
    [stoodMs, silencedMs, escalated].every((number) => Number.isFinite(number) && (number as number) >= 0) &&
    Number.isInteger(escalated)
  );
}

function isName(value: unknown): boolean {
  return typeof value === 'string' && NAME_PATTERN.test(value);
}

function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
