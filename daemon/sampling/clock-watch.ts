import type { ClockState, Info } from '../../protocol/record.ts';
import type { Log } from '../../runtime/log.ts';
import type { ClockSource } from './wall.ts';

/** A step of the labels that is worth a record, in milliseconds. */
const STEP_MS = 1000;

/** Notices that labels have stepped or are trusted otherwise than before, and says so: labels alone do not show it. */
export class ClockWatch {
  readonly #source: ClockSource;
  readonly #log: Log;
  readonly #onChange: (info: Info) => void;
  /** Undefined before the first look: until then the system may still be asked. */
  #state: ClockState | undefined;
  #offsetMs: number;

  constructor(source: ClockSource, log: Log, onChange: (info: Info) => void) {
    this.#source = source;
    this.#log = log;
    this.#onChange = onChange;
    this.#offsetMs = source.offsetMs();
  }

  look(): void {
    const state = this.#source.state();
    this.#state ??= state;
    const stepMs = Math.round(this.#source.offsetMs() - this.#offsetMs);
    if (state === this.#state && Math.abs(stepMs) <= STEP_MS) return;
    const info = { event: 'clock', from: this.#state, to: state, step_ms: stepMs };
    this.#state = state;
    this.#offsetMs += stepMs;
    this.#log.info({ from: info.from, to: state, stepMs }, 'the clock has changed');
    this.#onChange(info);
  }
}
