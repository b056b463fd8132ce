import type { Clock } from '../../runtime/clock.ts';
import type { Truth } from '../chips/chip.ts';

/**
 * A model of a device on a serial line: it says what its data sheet says, by itself or when it is asked, from the true
 * values around it. Made without power.
 */
export interface Talker {
  /** From now on it speaks, from its state after power-on, through `say`. */
  powerUp(say: (bytes: Uint8Array) => void): void;
  /** Leaves nothing behind on the clock. */
  powerDown(): void;
  /** Bytes that reach it, in pieces of any size. */
  hear(bytes: Uint8Array): void;
}

export interface TalkerSurroundings {
  readonly clock: Clock;
  readonly truth: Truth;
}

/** Calls `action` every `periodMs`, first after one period. Returns what ends it. */
export function every(clock: Clock, periodMs: number, action: () => void): () => void {
  const run = (): void => {
    cancel = clock.after(periodMs, run);
    action();
  };
  let cancel = clock.after(periodMs, run);
  return () => cancel();
}
