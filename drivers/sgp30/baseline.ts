import { z } from 'zod';
import type { SensorContext } from '../driver.ts';

/** The two words of the chip's algorithm that say what clean air is like. */
export interface Baseline {
  readonly eco2: number;
  readonly tvoc: number;
}

/** A baseline that was kept is good for so long, in milliseconds: driver integration guide, section 2. */
const VALID_MS = 7 * 86_400_000;
/** Without one to begin with, the chip learns for so long before it is worth keeping: as above. */
const LEARNING_MS = 12 * 3_600_000;
/** How often it is kept: as above. */
const KEPT_EVERY_MS = 3_600_000;

const word = z.int().min(1).max(0xffff);
const keptSchema = z.object({ chip: z.string(), eco2: word, tvoc: word, kept: z.iso.datetime() });

/**
 * The baseline over power cuts of the chip and restarts of the gateway. What the chip has learnt counts on while this
 * lives; in memory it is kept once it is worth it. It is of one chip, and tells another one nothing: what clean air is like
 * differs from chip to chip.
 */
export class BaselineKeeper {
  readonly #context: Pick<SensorContext, 'clock' | 'log' | 'memory'>;
  /** The chip that all of this is of, by its serial number. */
  #chip: string | undefined;
  #newest: Baseline | undefined;
  /** When the chip said so, on the monotonic clock. */
  #newestMs = 0;
  /** Whether it was good for keeping when this began. */
  #isLearnt = false;
  /** How long the chip has learnt in all, in milliseconds, and since when it does now. */
  #learntMs = 0;
  #learningSinceMs: number | undefined;
  #notedMs = 0;

  constructor(context: Pick<SensorContext, 'clock' | 'log' | 'memory'>) {
    this.#context = context;
  }

  /** What to give to a chip, by its serial number, that begins anew; undefined: it has to learn. */
  async toRestore(chip: string): Promise<Baseline | undefined> {
    if (chip !== this.#chip) await this.#meet(chip);
    else if (this.#context.clock.monotonicMs() - this.#newestMs >= VALID_MS) this.#forget();
    return this.#newest;
  }

  /** The chip has begun anew. */
  begun(): void {
    const nowMs = this.#context.clock.monotonicMs();
    if (this.#learningSinceMs !== undefined) this.#learntMs += this.#notedMs - this.#learningSinceMs;
    this.#learningSinceMs = nowMs;
    this.#notedMs = nowMs;
  }

  /** Whether it is time to read the baseline of the chip and to `note` it. */
  get isDue(): boolean {
    return this.#context.clock.monotonicMs() - this.#notedMs >= KEPT_EVERY_MS;
  }

  /** Keeps what the chip says now, once it has learnt long enough. Durable later: a slow card delays no measurement. */
  note(baseline: Baseline): void {
    const nowMs = this.#context.clock.monotonicMs();
    this.#newest = baseline;
    this.#newestMs = nowMs;
    this.#notedMs = nowMs;
    const learntMs = this.#learntMs + nowMs - (this.#learningSinceMs ?? nowMs);
    this.#isLearnt ||= learntMs >= LEARNING_MS;
    if (this.#isLearnt) void this.#keep(baseline);
  }

  /** The first chip, or another one than before. */
  async #meet(chip: string): Promise<void> {
    const { memory, clock } = this.#context;
    const kept = keptSchema.safeParse(await memory.load());
    this.#chip = chip;
    this.#forget();
    if (!kept.success || kept.data.chip !== chip) return;
    const { eco2, tvoc, kept: at } = kept.data;
    // A clock that was not set yet is behind by less than that, mostly; one that is behind by more cannot tell.
    const ageMs = clock.wallMs() - Date.parse(at);
    if (Math.abs(ageMs) >= VALID_MS) return;
    this.#newest = { eco2, tvoc };
    this.#newestMs = clock.monotonicMs() - Math.max(0, ageMs);
    this.#isLearnt = true;
  }

  #forget(): void {
    this.#newest = undefined;
    this.#isLearnt = false;
    this.#learntMs = 0;
    this.#learningSinceMs = undefined;
  }

  async #keep(baseline: Baseline): Promise<void> {
    const { memory, clock, log } = this.#context;
    try {
      await memory.save({ chip: this.#chip ?? '', ...baseline, kept: new Date(clock.wallMs()).toISOString() });
    } catch (err) {
      log.warn({ err }, 'the baseline of the gas sensor could not be kept');
    }
  }
}
