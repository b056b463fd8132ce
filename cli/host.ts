import type { EventEmitter } from 'node:events';
import type { Clock } from '../runtime/clock.ts';
import type { Random } from '../runtime/random.ts';
import type { Streams } from './program.ts';

/** What a verb that runs for a while needs of its process. */
export interface Host {
  readonly clock: Clock;
  readonly random: Random;
  readonly version: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly pid: number;
  /** Aborted when the verb is to stop. */
  readonly stop: AbortSignal;
  readonly streams: Streams;
  /** Says `exit` when the process ends, however it ends. */
  readonly exits: Pick<EventEmitter, 'on' | 'off'>;
}
