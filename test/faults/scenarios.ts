import { COPIES } from './copies.ts';
import { DATAGRAMS } from './datagrams.ts';
import { HOSTILE } from './hostile.ts';
import { HOUR, HOUR_BOTH_WAYS } from './hour.ts';
import { KAFKA } from './kafka.ts';
import { KILL_WITH_KAFKA, KILLS } from './kills.ts';
import { LINKS } from './links.ts';
import type { Scenario } from './scenario.ts';
import { TOPICS } from './topics.ts';
import { WAYS } from './ways.ts';

/** Every fault; the longest first, so that it runs beside the others. */
export const SCENARIOS: readonly Scenario[] = [
  HOUR,
  HOUR_BOTH_WAYS,
  ...KILLS,
  KILL_WITH_KAFKA,
  ...COPIES,
  ...KAFKA,
  ...TOPICS,
  ...DATAGRAMS,
  ...HOSTILE,
  ...LINKS,
  ...WAYS,
];
