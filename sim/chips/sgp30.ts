import { I2cNack } from './chip.ts';
import { type Action, SensirionChip, type SensirionOptions } from './sensirion.ts';

/** Beside the shared: `tvoc` in ppb and `eco2` in ppm are the truths. */
export interface Sgp30Options extends SensirionOptions {
  /** 0x0022 for an SGP30; its upper four bits are the kind of chip. */
  readonly featureSet?: number;
  /** 48 bits. */
  readonly serial?: number;
  /** How long it answers 400 and 0 after its beginning, in milliseconds: 15 s by a clock of its own. */
  readonly initPhaseMs?: number;
}

const INIT_PHASE_MS = 15_000;
/** Up to which value steps are so wide: data sheet, table 2. */
const TVOC_STEPS: readonly (readonly [upTo: number, step: number])[] = [
  [2008, 1],
  [11_110, 6],
  [60_000, 32],
];
const ECO2_STEPS: readonly (readonly [upTo: number, step: number])[] = [
  [1479, 1],
  [5144, 3],
  [17_597, 9],
  [60_000, 31],
];
/** What the algorithm finds by itself in clean air. */
const LEARNT = { eco2: 0x8e12, tvoc: 0x8f4a };

/** SGP30 by its data sheet (Sensirion, SGP30, version 1.0, May 2020). What it measures needs its algorithm to run. */
export class Sgp30Chip extends SensirionChip {
  protected readonly startUpMs = 0.6;
  readonly #featureSet: number;
  readonly #serial: number;
  readonly #initPhaseMs: number;
  /** When `sgp30_iaq_init` came; undefined: not since the chip has had power. */
  #initMs: number | undefined;
  #baseline: typeof LEARNT | undefined;
  #humidity = 0;
  #measuredMs: number[] = [];

  constructor(options: Sgp30Options) {
    super(options, 0x58);
    this.#featureSet = options.featureSet ?? 0x0022;
    this.#serial = options.serial ?? 0x0000_0172_9c5b;
    this.#initPhaseMs = options.initPhaseMs ?? INIT_PHASE_MS;
  }

  /** When its algorithm was asked for air quality since it began, on the monotonic clock. */
  get measuredMs(): readonly number[] {
    return this.#measuredMs;
  }

  /** The word of absolute humidity that it makes up for; 0: none. */
  get humidity(): number {
    return this.#humidity;
  }

  protected powerOn(): void {
    this.#initMs = undefined;
    this.#baseline = undefined;
    this.#humidity = 0;
    this.#measuredMs = [];
  }

  protected run(bytes: Buffer): Action {
    if (bytes.length < 2) throw new I2cNack();
    switch (bytes.readUInt16BE(0)) {
      case 0x3682:
        return { busyMs: 0.5, answer: () => this.#serialWords() };
      case 0x202f:
        return { busyMs: 10, answer: () => [this.#featureSet] };
      case 0x2003:
        return this.#init();
      case 0x2008:
        this.#measuredMs.push(this.clock.monotonicMs());
        return { busyMs: 12, answer: () => this.#airQuality() };
      case 0x2015:
        return { busyMs: 10, answer: () => this.#baselineWords() };
      case 0x201e: {
        const [tvoc = 0, eco2 = 0] = this.argumentsOf(bytes, 2);
        if (this.#initMs !== undefined) this.#baseline = { eco2, tvoc };
        return { busyMs: 10 };
      }
      case 0x2061: {
        const [humidity = 0] = this.argumentsOf(bytes, 1);
        this.#humidity = humidity;
        return { busyMs: 10 };
      }
      default:
        throw new I2cNack();
    }
  }

  #init(): Action {
    this.powerOn();
    this.#initMs = this.clock.monotonicMs();
    return { busyMs: 10 };
  }

  #isRunning(): boolean {
    return this.#initMs !== undefined && this.clock.monotonicMs() - this.#initMs >= this.#initPhaseMs;
  }

  #serialWords(): number[] {
    return [this.#serial / 2 ** 32, this.#serial / 2 ** 16, this.#serial].map((part) => Math.floor(part) % 0x1_0000);
  }

  #airQuality(): number[] {
    if (!this.#isRunning()) return [400, 0];
    const eco2 = this.stuck.eco2 ?? inSteps(Math.max(400, this.true('eco2')), ECO2_STEPS);
    return [eco2, this.stuck.tvoc ?? inSteps(Math.max(0, this.true('tvoc')), TVOC_STEPS)];
  }

  /** In the order CO₂eq, TVOC. */
  #baselineWords(): number[] {
    const { eco2, tvoc } = this.#baseline ?? (this.#isRunning() ? LEARNT : { eco2: 0, tvoc: 0 });
    return [eco2, tvoc];
  }
}

/** The nearest value that the chip can express. */
function inSteps(value: number, table: readonly (readonly [upTo: number, step: number])[]): number {
  let from = 0;
  for (const [upTo, step] of table) {
    if (value <= upTo) return Math.min(upTo, from + Math.round((value - from) / step) * step);
    from = upTo;
  }
  return from;
}
