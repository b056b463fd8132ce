import type { JsonValue } from '../../protocol/record.ts';
import type { SensorMemory } from '../driver.ts';

/**
 * Pulses that no sample has given yet, kept over restarts: written at a stop, and taken back, durably, at the next start,
 * before they can be given. So no pulse is given twice, no sample waits for the disk, and flash is written only at a start or
 * a stop with pulses left over. A process that is killed loses what came since its last sample, and a start that is killed
 * before its first sample what it has taken up.
 */
export class Tally {
  readonly #memory: SensorMemory;
  #pulses = 0;
  /** Whether what was kept is among them; until then it stays where it is. */
  #hasTakenUp = false;

  constructor(memory: SensorMemory) {
    this.#memory = memory;
  }

  /** Takes up what was kept. Throws `STATE_FAILED` where it cannot be taken back: then it stays where it is. */
  async start(): Promise<void> {
    const kept = pulsesIn(await this.#memory.load());
    if (kept > 0) await this.#memory.save({ pulses: 0 });
    this.#pulses += kept;
    this.#hasTakenUp = true;
  }

  add(): void {
    this.#pulses += 1;
  }

  /** Pulses since the last call. */
  take(): number {
    const pulses = this.#pulses;
    this.#pulses = 0;
    return pulses;
  }

  /** Keeps what was not given. Throws `STATE_FAILED`: then it stays in this process. */
  async stop(): Promise<void> {
    const pulses = this.#pulses;
    if (pulses === 0) return;
    const kept = this.#hasTakenUp ? 0 : pulsesIn(await this.#memory.load());
    await this.#memory.save({ pulses: kept + pulses });
    this.#hasTakenUp = false;
    this.#pulses -= pulses;
  }
}

/** Pulses in what was kept; none where that is of another kind. */
function pulsesIn(value: JsonValue | undefined): number {
  const { pulses } = (value ?? {}) as { readonly pulses?: unknown };
  return Number.isSafeInteger(pulses) && Number(pulses) >= 0 ? Number(pulses) : 0;
}
