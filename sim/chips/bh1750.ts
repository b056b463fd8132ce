import type { Clock } from '../../runtime/clock.ts';
import { type I2cChip, I2cNack, type Truth } from './chip.ts';

export interface Bh1750Options {
  readonly clock: Clock;
  /** `illuminance` in lx. */
  readonly truth: Truth;
  readonly address?: number;
}

const TIME_AFTER_RESET = 69;

/** Instructions that begin a measurement, by their lower two bits: counts for 1.2 lx, the least step of them, longest time. */
const RESOLUTIONS: Readonly<Record<number, readonly [gain: number, step: number, durationMs: number]>> = {
  0: [1, 1, 180],
  1: [2, 1, 180],
  // Low resolution: 4 lx.
  3: [1, 5, 24],
};

interface Measurement {
  readonly instruction: number;
  readonly time: number;
  readonly endMs: number;
}

/** BH1750FVI by its data sheet (ROHM, Technical Note, 2009.04 Rev.B). A read during a measurement gives what the one before has left. */
export class Bh1750Chip implements I2cChip {
  readonly address: number;
  readonly #clock: Clock;
  readonly #truth: Truth;
  /** Added to the truth, in lx. */
  readonly drift: Record<string, number> = {};
  /** Counts that stand there whatever the truth is. */
  readonly stuck: Record<string, number> = {};
  #isOn = false;
  #time = TIME_AFTER_RESET;
  #counts = 0;
  #measurement: Measurement | undefined;

  constructor({ clock, truth, address }: Bh1750Options) {
    this.#clock = clock;
    this.#truth = truth;
    this.address = address ?? 0x23;
  }

  /** Power goes and comes back: the chip sleeps, its time and data are as at first. */
  powerCycle(): void {
    this.#isOn = false;
    this.#time = TIME_AFTER_RESET;
    this.#counts = 0;
    this.#measurement = undefined;
  }

  write(bytes: Uint8Array): void {
    this.#advance();
    if (bytes.length === 0) return;
    const [instruction = 0] = bytes;
    if (bytes.length !== 1) throw new I2cNack();
    if (instruction === 0x00 || instruction === 0x01) this.#switch(instruction === 0x01);
    else if (instruction === 0x07) this.#counts = this.#isOn ? 0 : this.#counts;
    else if (instruction >> 3 === 0b01000) this.#time = ((instruction & 0x07) << 5) | (this.#time & 0x1f);
    else if (instruction >> 5 === 0b011) this.#time = (this.#time & 0xe0) | (instruction & 0x1f);
    else if (instruction >> 4 === 1 || instruction >> 4 === 2) this.#begin(instruction);
    else throw new I2cNack();
  }

  read(length: number): Uint8Array {
    this.#advance();
    const bytes = [this.#counts >> 8, this.#counts & 0xff];
    return Uint8Array.from({ length }, (_, index) => bytes[index % 2] ?? 0);
  }

  #switch(isOn: boolean): void {
    this.#isOn = isOn;
    this.#measurement = undefined;
  }

  #begin(instruction: number): void {
    const resolution = RESOLUTIONS[instruction & 0x0f];
    if (resolution === undefined) throw new I2cNack();
    this.#isOn = true;
    const durationMs = resolution[2] * (this.#time / TIME_AFTER_RESET);
    this.#measurement = { instruction, time: this.#time, endMs: this.#clock.monotonicMs() + durationMs };
  }

  #advance(): void {
    const measurement = this.#measurement;
    if (measurement === undefined || this.#clock.monotonicMs() < measurement.endMs) return;
    this.#counts = this.stuck.illuminance ?? this.#convert(measurement);
    this.#measurement = undefined;
    if (measurement.instruction >> 4 === 1) this.#begin(measurement.instruction);
    else this.#isOn = false;
  }

  /** The time register scales what one lux counts for; the converter stops at the end of 16 bits. */
  #convert({ instruction, time }: Measurement): number {
    const [gain, step] = RESOLUTIONS[instruction & 0x0f] ?? [1, 1];
    const lux = this.#truth('illuminance') + (this.drift.illuminance ?? 0);
    const counts = (lux * 6 * gain * time) / (5 * TIME_AFTER_RESET);
    return Math.min(0xffff, Math.max(0, Math.round(counts / step) * step));
  }
}
