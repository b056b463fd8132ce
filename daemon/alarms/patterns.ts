import type { ActuatorPattern } from './types.ts';

/** Words for patterns, in milliseconds on and off. */
export const PATTERNS = {
  on: [],
  blink: [500, 500],
  beep: [200, 800],
} as const satisfies Readonly<Record<string, ActuatorPattern>>;

export type PatternWord = keyof typeof PATTERNS;
