import type { AlarmLevel } from './settings.ts';

export interface PresetAlarm {
  readonly name: string;
  readonly level: AlarmLevel;
  readonly above: number;
  readonly clear: number;
}

/**
 * Thresholds of indoor air, in the metric's unit: CO2 1500 and 2000 ppm, volatile organic compounds 1000 and 3000 ppb. Each
 * is cleared a tenth below, or 100 ppm, so that a room on the edge does not ring all day.
 */
export const ALARM_PRESETS = {
  co2: [
    { name: 'co2-attention', level: 'warning', above: 1500, clear: 1400 },
    { name: 'co2-critical', level: 'critical', above: 2000, clear: 1900 },
  ],
  tvoc: [
    { name: 'tvoc-attention', level: 'warning', above: 1000, clear: 900 },
    { name: 'tvoc-critical', level: 'critical', above: 3000, clear: 2700 },
  ],
} as const satisfies Readonly<Record<string, readonly PresetAlarm[]>>;

/** Also the name of its metric. */
export type AlarmPreset = keyof typeof ALARM_PRESETS;
