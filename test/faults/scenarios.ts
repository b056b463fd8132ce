import { HOUR } from './hour.ts';
import { KILLS } from './kills.ts';
import { LINKS } from './links.ts';
import type { Scenario } from './scenario.ts';
import { WAYS } from './ways.ts';

/** Every fault; the longest first, so that it runs beside the others. */
export const SCENARIOS: readonly Scenario[] = [HOUR, ...KILLS, ...LINKS, ...WAYS];
