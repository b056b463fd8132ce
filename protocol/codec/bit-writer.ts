/** Widest value that `bits` writes: what a double holds exactly. */
export const WIDTH_MAX = 53;

const CHUNK_BITS = 24;
const CHUNK = 2 ** CHUNK_BITS;

/** A string of bits, the most significant of each value first, without any alignment. */
export class BitWriter {
  #bytes = new Uint8Array(1024);
  #length = 0;
  /** The last bits that do not make a byte yet, and how many of them: 0 to 7. */
  #held = 0;
  #heldBits = 0;

  /** The lowest `width` bits of a whole number, 0 to 53 of them; the number has no more. */
  bits(value: number, width: number): void {
    if (width > CHUNK_BITS) {
      const high = Math.floor(value / CHUNK);
      this.bits(high, width - CHUNK_BITS);
      this.bits(value - high * CHUNK, CHUNK_BITS);
      return;
    }
    let held = (this.#held << width) | value;
    let heldBits = this.#heldBits + width;
    while (heldBits >= 8) {
      heldBits -= 8;
      this.#push((held >>> heldBits) & 0xff);
    }
    held &= (1 << heldBits) - 1;
    this.#held = held;
    this.#heldBits = heldBits;
  }

  flag(value: boolean): void {
    this.bits(value ? 1 : 0, 1);
  }

  /** `zeros` zeros, then a one. */
  unary(zeros: number): void {
    let left = zeros;
    for (; left >= CHUNK_BITS; left -= CHUNK_BITS) this.bits(0, CHUNK_BITS);
    this.bits(1, left + 1);
  }

  /** A whole number from 0 that is nearly always small: Elias gamma of it plus one (Elias, 1975). */
  count(value: number): void {
    const width = bitLength(value + 1) - 1;
    this.unary(width);
    this.bits(value + 1 - 2 ** width, width);
  }

  /** A whole number from 0 of any size up to 53 bits: its length in 6 bits, then what follows its highest bit. */
  number(value: number): void {
    const length = bitLength(value);
    this.bits(length, 6);
    if (length > 1) this.bits(value - 2 ** (length - 1), length - 1);
  }

  /** A whole number of either sign, folded as 0, -1, 1, -2, … and written as `number`. */
  signed(value: number): void {
    this.number(zigzag(value));
  }

  /** IEEE 754, its sign first. */
  float64(value: number): void {
    float64View.setFloat64(0, value);
    this.bits(float64View.getUint32(0), 32);
    this.bits(float64View.getUint32(4), 32);
  }

  bytes(bytes: Uint8Array): void {
    for (const byte of bytes) this.bits(byte, 8);
  }

  /** Fills the last byte with zeros and gives all of them. */
  finish(): Uint8Array {
    if (this.#heldBits > 0) this.bits(0, 8 - this.#heldBits);
    return this.#bytes.subarray(0, this.#length);
  }

  #push(byte: number): void {
    if (this.#length === this.#bytes.length) {
      const larger = new Uint8Array(this.#length * 2);
      larger.set(this.#bytes);
      this.#bytes = larger;
    }
    this.#bytes[this.#length] = byte;
    this.#length += 1;
  }
}

const float64View = new DataView(new ArrayBuffer(8));

/** How many bits a whole number from 0 takes; none for 0. */
export function bitLength(value: number): number {
  return value < 2 ** 32 ? 32 - Math.clz32(value) : 64 - Math.clz32(value / 2 ** 32);
}

/** 0, -1, 1, -2, 2, … → 0, 1, 2, 3, 4, … */
export function zigzag(value: number): number {
  return value >= 0 ? 2 * value : -2 * value - 1;
}

/** Bits that `BitWriter.number` takes. */
export function numberBits(value: number): number {
  return 6 + Math.max(0, bitLength(value) - 1);
}

/** Bits that `BitWriter.signed` takes. */
export function signedBits(value: number): number {
  return numberBits(zigzag(value));
}

/** Bits that `BitWriter.count` takes. */
export function countBits(value: number): number {
  return 2 * bitLength(value + 1) - 1;
}
