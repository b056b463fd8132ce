import type { MooringError } from '../../../runtime/errors.ts';
import type { Level } from './guard-words.ts';

/** An output line in the hands of this process, which goes to its safe level when this process is gone, however it ended. */
export interface LineHolder {
  /** Takes the line at its safe level. Throws `PORT_ABSENT`, `PORT_BUSY`, `PORT_PERMISSION`, `ACTUATOR_FAILED`. */
  take(): Promise<void>;
  /** The level from now on, or as soon as the change before it is done; the last one counts. */
  set(level: Level): void;
  /** At the safe level, and given back. Safe whether or not `take` succeeded. Never rejects. */
  release(): Promise<void>;
}

/** `onLost` is told once when a line that was taken is lost; it was driven to its safe level where that could be done. */
export type HolderFactory = (safe: Level, onLost: (error: MooringError) => void) => LineHolder;
