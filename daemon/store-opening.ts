import { type Clock, withDeadline } from '../runtime/clock.ts';
import { type ErrorCode, MooringError } from '../runtime/errors.ts';
import type { Log } from '../runtime/log.ts';

export interface StoreOpening {
  /** One attempt. */
  readonly open: () => Promise<void>;
  readonly clock: Clock;
  readonly log: Log;
  /** Nobody wants the store any more. */
  readonly signal: AbortSignal;
  /** When the disk has answered the first attempt, where that was too late. */
  readonly onAnswer: () => void;
  /** When a later attempt has failed with what no further one helps against. */
  readonly onHopeless: (error: unknown) => void;
}

/** How long the disk may take for the first attempt, in milliseconds; then everything else begins. */
const ANSWER_MS = 5000;
/** How long a disk that has failed is left alone, in milliseconds. */
const AGAIN_MS = 5000;
/** What the disk is to blame for: it may be well again, or be made so. All else is another gateway's store, or another Mooring's. */
const OF_THE_DISK: ReadonlySet<ErrorCode> = new Set(['STORE_FULL', 'STORE_FAILED', 'STORE_DAMAGED']);

/**
 * Opens the store where something has to run without it. Resolves when it is open, or when its disk has failed or has not answered for
 * five seconds; it is then tried again for as long as anybody wants it. Says whether the disk has answered: while it has not, any call
 * that touches it may hang. Rejects with what no further attempt helps against.
 */
export async function openPatiently(opening: StoreOpening): Promise<boolean> {
  const { open, clock, log, onAnswer } = opening;
  const first = open();
  const late = new MooringError('STORE_FAILED', 'the disk does not answer');
  try {
    await withDeadline(clock, ANSWER_MS, first, () => late);
    return true;
  } catch (error) {
    if (!isOfTheDisk(error)) throw error;
    log.error({ err: error }, 'the store cannot be opened: alarms go on without it, and it is tried again');
    void keepTrying(first, opening);
    if (error !== late) return true;
    first.then(onAnswer, (reason: unknown) => {
      if (isOfTheDisk(reason)) onAnswer();
    });
    return false;
  }
}

async function keepTrying(first: Promise<void>, { open, clock, log, signal, onHopeless }: StoreOpening): Promise<void> {
  for (let attempt = first; ; attempt = open()) {
    try {
      await attempt;
      log.info({}, 'the store is open');
      return;
    } catch (error) {
      if (!isOfTheDisk(error)) {
        onHopeless(error);
        return;
      }
    }
    await clock.sleep(AGAIN_MS, signal).catch(() => undefined);
    if (signal.aborted) return;
  }
}

function isOfTheDisk(error: unknown): boolean {
  return error instanceof MooringError && OF_THE_DISK.has(error.code);
}
