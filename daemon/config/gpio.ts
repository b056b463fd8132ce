import type { z } from 'zod';
import type { Path } from '../../runtime/config/document.ts';
import type { ConfigReader } from '../../runtime/config/reader.ts';
import { PATTERNS } from '../alarms/patterns.ts';
import { type ActuatorSettings, ALARM_LEVELS, type AlarmLevel, type ButtonSettings } from '../alarms/settings.ts';
import type { ActuatorPattern } from '../alarms/types.ts';
import { actuatorSchema, buttonSchema } from './alarm-schema.ts';

/** What `actuators` says. Reports what does not fit; what has the wrong form has been reported. */
export function readActuators(reader: ConfigReader): ActuatorSettings[] {
  return Object.entries(reader.mappingAt(['actuators']) ?? {}).flatMap(([name, value]) => {
    const parsed = actuatorSchema.safeParse(value);
    if (!parsed.success) return [];
    const { gpio, active, safe, pattern, limit } = parsed.data;
    checkPattern(reader, ['actuators', name, 'pattern'], pattern);
    return [{ name, line: gpio, active, safe, patterns: patternsOf(pattern), limitMs: limit }];
  });
}

/** What `buttons` says; likewise. */
export function readButtons(reader: ConfigReader): ButtonSettings[] {
  return Object.entries(reader.mappingAt(['buttons']) ?? {}).flatMap(([name, value]) => {
    const parsed = buttonSchema.safeParse(value);
    if (!parsed.success) return [];
    const { gpio, active, pull = active === 'high' ? 'down' : 'up', debounce, press, hold } = parsed.data;
    if (press === undefined && hold === undefined) {
      reader.report(['buttons', name], 'key', 'does nothing', 'Add `press: ack`, or `hold: silence`.');
    }
    return [{ name, line: gpio, active, bias: pull, debounceMs: debounce, press, hold }];
  });
}

type PatternKeys = z.output<typeof actuatorSchema>['pattern'];

function checkPattern(reader: ConfigReader, path: Path, pattern: PatternKeys): void {
  if (typeof pattern === 'string') return;
  if (isTimes(pattern)) {
    if (pattern.length % 2 === 0) return;
    reader.report(path, 'value', 'has an odd number of times', 'Write them in pairs, on and off: `[200ms, 800ms]`.');
    return;
  }
  for (const [level, each] of Object.entries(pattern)) checkPattern(reader, [...path, level], each);
}

function patternsOf(pattern: PatternKeys): Record<AlarmLevel, ActuatorPattern> {
  const timesOf = (level: AlarmLevel): ActuatorPattern => {
    const each = typeof pattern === 'string' || isTimes(pattern) ? pattern : (pattern[level] ?? 'on');
    return typeof each === 'string' ? PATTERNS[each] : each;
  };
  return Object.fromEntries(ALARM_LEVELS.map((level) => [level, timesOf(level)])) as Record<
    AlarmLevel,
    ActuatorPattern
  >;
}

function isTimes(pattern: PatternKeys): pattern is number[] {
  return Array.isArray(pattern);
}
