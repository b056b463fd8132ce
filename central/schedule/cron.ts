import { createTask, type Logger } from 'node-cron';
import type { Log } from '../../runtime/log.ts';

/** Calls at the times of a calendar, UTC. It may miss some where the clock is stepped. */
export interface Cron {
  /** Returns what ends it. `pattern` as crontab(5) has it. */
  schedule(pattern: string, action: () => void): () => void;
}

/** The calendar of this machine's clock, through node-cron. */
export class NodeCron implements Cron {
  readonly #log: Log;

  constructor(log: Log) {
    this.#log = log;
  }

  schedule(pattern: string, action: () => void): () => void {
    const task = createTask(pattern, action, {
      timezone: 'Etc/UTC',
      noOverlap: true,
      // Whoever asks looks for what was missed by itself.
      suppressMissedWarning: true,
      unref: true,
      logger: loggerTo(this.#log),
    });
    void task.start();
    return () => void task.destroy();
  }
}

function loggerTo(log: Log): Logger {
  const say = (text: string | Error, err?: Error): void => {
    log.debug({ said: String(text), ...(err === undefined ? {} : { err }) }, 'node-cron says something');
  };
  return { info: say, warn: say, error: say, debug: say };
}
