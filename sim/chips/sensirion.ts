import type { Clock } from '../../runtime/clock.ts';
import { type I2cChip, I2cNack, type Truth } from './chip.ts';

export interface SensirionOptions {
  readonly clock: Clock;
  readonly truth: Truth;
  readonly address?: number;
}

/** What a command does in the chip. */
export interface Action {
  /** The longest that the data sheet allows, in milliseconds: who waits for the typical time only is found out. */
  readonly busyMs: number;
  /** Words that it has to answer; they are formed when the time is over. Left out: none. */
  readonly answer?: () => readonly number[];
}

/**
 * What all of Sensirion's chips do alike: a command of one byte or two, words with checksums, no acknowledgement while they
 * are busy, for what they do not know and where they have nothing to say.
 */
export abstract class SensirionChip implements I2cChip {
  readonly address: number;
  protected readonly clock: Clock;
  /** Added to the truth: an element that has aged, in the units of the truth. */
  readonly drift: Record<string, number> = {};
  /** Words that stand in answers whatever the truth is: an element that is broken. */
  readonly stuck: Record<string, number> = {};
  /** Answers with wrong checksums, as from a damaged memory. */
  hasBadCrc = false;
  readonly #truth: Truth;
  #busyUntilMs = 0;
  #answer: (() => readonly number[]) | undefined;
  /** Until the chip listens after it got power, in milliseconds. */
  protected abstract readonly startUpMs: number;

  constructor({ clock, truth, address }: SensirionOptions, usualAddress: number) {
    this.clock = clock;
    this.#truth = truth;
    this.address = address ?? usualAddress;
  }

  /** Power goes and comes back: all but what is burnt into the chip is as at first. */
  powerCycle(): void {
    this.#answer = undefined;
    this.#busyUntilMs = this.clock.monotonicMs() + this.startUpMs;
    this.powerOn();
  }

  write(bytes: Uint8Array): void {
    if (this.isBusy()) throw new I2cNack();
    this.#answer = undefined;
    if (bytes.length === 0) return;
    const { busyMs, answer } = this.run(Buffer.from(bytes));
    this.#busyUntilMs = this.clock.monotonicMs() + busyMs;
    this.#answer = answer;
  }

  read(length: number): Uint8Array {
    const answer = this.#answer;
    if (this.isBusy() || answer === undefined) throw new I2cNack();
    this.#answer = undefined;
    const bytes = answer().flatMap((word) => [word >> 8, word & 0xff, this.#checksum(word)]);
    return Uint8Array.from({ length }, (_, index) => bytes[index] ?? 0xff);
  }

  /** What stands in volatile memory after power-on. */
  protected abstract powerOn(): void;

  /** What a command and its arguments come to. Throws `I2cNack` where the chip has no such command now. */
  protected abstract run(bytes: Buffer): Action;

  protected isBusy(): boolean {
    return this.clock.monotonicMs() < this.#busyUntilMs;
  }

  protected true(quantity: string): number {
    return this.#truth(quantity) + (this.drift[quantity] ?? 0);
  }

  /** The word of a quantity on a linear scale, from 0 at `lowest` to 65535 one `span` above. */
  protected wordOf(quantity: string, value: number, lowest: number, span: number): number {
    const word = this.stuck[quantity] ?? Math.round((0xffff * (value - lowest)) / span);
    return Math.min(0xffff, Math.max(0, word));
  }

  /** Arguments of a command, after its two bytes. Throws `I2cNack` where there are not `count`, or one came damaged. */
  protected argumentsOf(bytes: Buffer, count: number): number[] {
    if (bytes.length !== 2 + 3 * count) throw new I2cNack();
    return Array.from({ length: count }, (_, index) => {
      const word = bytes.readUInt16BE(2 + 3 * index);
      if (remainderOf(word) !== bytes[4 + 3 * index]) throw new I2cNack();
      return word;
    });
  }

  #checksum(word: number): number {
    return this.hasBadCrc ? remainderOf(word) ^ 0x55 : remainderOf(word);
  }
}

/** The checksum by long division: the word, its first byte inverted, followed by eight zeros, by x⁸ + x⁵ + x⁴ + 1. */
function remainderOf(word: number): number {
  let dividend = (word ^ 0xff00) * 0x100;
  for (let bit = 23; bit >= 8; bit -= 1) if (((dividend >> bit) & 1) === 1) dividend ^= 0x131 << (bit - 8);
  return dividend;
}
