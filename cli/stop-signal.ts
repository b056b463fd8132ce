import type { EventEmitter } from 'node:events';
import { constants } from 'node:os';
import type { Clock } from '../runtime/clock.ts';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Ctrl-C under `npm start` comes twice: from the terminal, and handed on by the process that started this one. What
 * follows the first within this time is the same key.
 */
const SAME_KEY_MS = 500;

export interface StopSignal extends Disposable {
  /** Aborted by the first signal. */
  readonly signal: AbortSignal;
}

/**
 * Hears SIGINT, SIGTERM and SIGHUP until it is disposed of. The first one asks for a clean stop; another one later ends
 * the process at once, with the status that a shell gives for that signal.
 */
export function hearStopSignals(
  source: Pick<EventEmitter, 'on' | 'off'>,
  clock: Pick<Clock, 'monotonicMs'>,
  exit: (status: number) => void,
): StopSignal {
  const stopping = new AbortController();
  let firstMs = 0;
  const hear = (name: (typeof SIGNALS)[number]): void => {
    if (!stopping.signal.aborted) {
      firstMs = clock.monotonicMs();
      stopping.abort();
    } else if (clock.monotonicMs() - firstMs > SAME_KEY_MS) {
      exit(128 + constants.signals[name]);
    }
  };
  for (const name of SIGNALS) source.on(name, hear);
  return {
    signal: stopping.signal,
    [Symbol.dispose]: () => {
      for (const name of SIGNALS) source.off(name, hear);
    },
  };
}
