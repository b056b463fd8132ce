import type { Clock } from '../runtime/clock.ts';
import { MooringError } from '../runtime/errors.ts';
import type { I2cDevice } from './driver.ts';

/** What Sensirion's chips are asked or told: its bytes, how long the chip is busy with it, and how many words it answers. */
export interface Command {
  /** One byte or two, by the chip's family. */
  readonly code: readonly number[];
  /** The longest that the chip does not answer for, in milliseconds. */
  readonly busyMs: number;
  /** Left out: it answers nothing. */
  readonly words?: number;
}

const POLYNOMIAL = 0x31;
const INITIAL = 0xff;
/** A word on the wire: two bytes, the high one first, and their checksum. */
const WORD_BYTES = 3;
/** Timers run in whole milliseconds, and may be one early. */
const TIMER_MS = 1;
/** Longer than any measurement that a chip of these is asked for, in milliseconds. */
const BUSY_MS = 20;

/** CRC-8 with x⁸ + x⁵ + x⁴ + 1 and 0xFF to begin with, as each word of Sensirion's chips has: 0xBE 0xEF give 0x92. */
export function crc8(bytes: Uint8Array): number {
  let crc = INITIAL;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = ((crc << 1) ^ ((crc & 0x80) === 0 ? 0 : POLYNOMIAL)) & 0xff;
  }
  return crc;
}

/** Words of 16 bits as they go over the wire. */
export function encodeWords(words: readonly number[]): Buffer {
  const bytes = Buffer.alloc(words.length * WORD_BYTES);
  for (const [index, word] of words.entries()) {
    const at = index * WORD_BYTES;
    bytes.writeUInt16BE(word, at);
    bytes.writeUInt8(crc8(bytes.subarray(at, at + 2)), at + 2);
  }
  return bytes;
}

/** The words of an answer; undefined where a checksum is wrong. */
export function decodeWords(answer: Buffer): number[] | undefined {
  const words: number[] = [];
  for (let at = 0; at < answer.length; at += WORD_BYTES) {
    if (crc8(answer.subarray(at, at + 2)) !== answer.readUInt8(at + 2)) return undefined;
    words.push(answer.readUInt16BE(at));
  }
  return words;
}

/** A chip of Sensirion's on its bus: commands, waiting times and checksums. Knows no command by itself. */
export class SensirionDevice {
  readonly #device: I2cDevice;
  readonly #clock: Clock;

  constructor(device: I2cDevice, clock: Clock) {
    this.#device = device;
    this.#clock = clock;
  }

  /** Sends a command with its arguments and waits until the chip listens again. Throws what the bus throws. */
  async tell(command: Command, signal: AbortSignal, ...words: readonly number[]): Promise<void> {
    await this.begin(command, signal, ...words);
    await this.#clock.sleep(Math.ceil(command.busyMs) + TIMER_MS, signal);
  }

  /** The same without waiting: the chip does not answer until it is done. */
  async begin({ code }: Command, signal: AbortSignal, ...words: readonly number[]): Promise<void> {
    await this.#device.write(Buffer.concat([Uint8Array.from(code), encodeWords(words)]), signal);
  }

  /** The words of a command's answer. Throws `READING_DAMAGED` where a checksum is wrong, and what the bus throws. */
  async ask(command: Command, signal: AbortSignal): Promise<number[]> {
    await this.tell(command, signal);
    const answer = await this.#read(command, signal);
    const words = decodeWords(answer);
    if (words !== undefined) return words;
    throw new MooringError('READING_DAMAGED', 'the answer of the chip has a wrong checksum', {
      context: { command: hexOf(command), answer: answer.toString('hex') },
      hint: 'Noise on the wires: shorter ones, a slower bus, pull-ups of 2.2 kΩ to 4.7 kΩ.',
    });
  }

  /**
   * The words of a command that proves which chip it is: only chips of this family answer it, with right checksums. Throws
   * `SENSOR_UNKNOWN` where that fails twice, and what the bus throws.
   */
  async identify(command: Command, name: string, signal: AbortSignal): Promise<number[]> {
    let answer = Buffer.alloc(0);
    await this.#awaken(command, signal);
    for (let attempt = 0; attempt < 2; attempt += 1) {
      await this.tell(command, signal);
      try {
        answer = await this.#read(command, signal);
      } catch (cause) {
        // It has acknowledged the command and has no answer: somebody is there, and does not know it.
        if (!isNoAnswer(cause)) throw cause;
        throw unknownChip(name, { command: hexOf(command) }, cause);
      }
      const words = decodeWords(answer);
      if (words !== undefined) return words;
    }
    throw unknownChip(name, { command: hexOf(command), answer: answer.toString('hex') });
  }

  /** A chip that is busy with what it was asked before, by a call that was given up, acknowledges nothing until it is done. */
  async #awaken(command: Command, signal: AbortSignal): Promise<void> {
    try {
      await this.tell(command, signal);
    } catch (error) {
      if (!isNoAnswer(error)) throw error;
      await this.#clock.sleep(BUSY_MS, signal);
    }
  }

  async #read({ words = 0 }: Command, signal: AbortSignal): Promise<Buffer<ArrayBuffer>> {
    return Buffer.from(await this.#device.read(words * WORD_BYTES, signal));
  }
}

/** The error for another chip at this address. */
export function unknownChip(name: string, context: Readonly<Record<string, string>>, cause?: unknown): MooringError {
  return new MooringError('SENSOR_UNKNOWN', `the chip at this address is no ${name}`, {
    context,
    hint: 'Look at `address`, and at `driver`: another chip may stand there.',
    ...(cause === undefined ? {} : { cause }),
  });
}

/**
 * Whether whoever is there answers a command with right checksums, for a scan. The bus's own pauses before it tries again
 * are the time that the chip has for it; it may still be puzzled by what it was asked for another driver.
 */
export async function answersTo(command: Command, device: I2cDevice, signal: AbortSignal): Promise<boolean> {
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt += 1) {
    try {
      await device.write(Uint8Array.from(command.code), signal);
      return decodeWords(await device.read((command.words ?? 0) * WORD_BYTES, signal)) !== undefined;
    } catch (error) {
      if (!isNoAnswer(error)) throw error;
    }
  }
  return false;
}

const ATTEMPTS_MAX = 3;

/** Whether it is that nobody acknowledges: who is absent, busy, or does not know what it was asked. */
export function isNoAnswer(error: unknown): error is MooringError {
  return error instanceof MooringError && error.code === 'I2C_NO_DEVICE';
}

function hexOf({ code }: Command): string {
  return `0x${Buffer.from(code).toString('hex')}`;
}
