import { ProtocolError } from '../errors.ts';
import { WIDTH_MAX } from './bit-writer.ts';

const CHUNK_BITS = 24;
const CHUNK = 2 ** CHUNK_BITS;
/** Of a `count`; far beyond every bound. */
const COUNT_BITS_MAX = 24;

/** Reads what `BitWriter` wrote. Every method throws `UNREADABLE` where the bits end or say what no writer says. */
export class BitReader {
  readonly #bytes: Uint8Array;
  #next = 0;
  /** Bits of the bytes before `#next` that are still to be read: up to 31. */
  #held = 0;
  #heldBits = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get bitsLeft(): number {
    return (this.#bytes.length - this.#next) * 8 + this.#heldBits;
  }

  bits(width: number): number {
    if (width > CHUNK_BITS) {
      const high = this.bits(width - CHUNK_BITS);
      return high * CHUNK + this.bits(CHUNK_BITS);
    }
    while (this.#heldBits < width) this.#hold();
    this.#heldBits -= width;
    const value = this.#held >>> this.#heldBits;
    this.#held &= (1 << this.#heldBits) - 1;
    return value;
  }

  flag(): boolean {
    return this.bits(1) === 1;
  }

  /** How many zeros stand before the next one: at most `most`. */
  unary(most: number): number {
    let zeros = 0;
    while (this.#held === 0 && zeros <= most) {
      zeros += this.#heldBits;
      this.#heldBits = 0;
      this.#hold();
    }
    const leading = this.#heldBits - 32 + Math.clz32(this.#held);
    if (zeros + leading > most) throw unreadable(`more than ${most} zeros before a one`);
    this.#heldBits -= leading + 1;
    this.#held &= (1 << this.#heldBits) - 1;
    return zeros + leading;
  }

  count(): number {
    const width = this.unary(COUNT_BITS_MAX);
    return 2 ** width + this.bits(width) - 1;
  }

  number(): number {
    const length = this.bits(6);
    if (length === 0) return 0;
    if (length > WIDTH_MAX) throw unreadable('a number of more than 53 bits');
    return 2 ** (length - 1) + this.bits(length - 1);
  }

  signed(): number {
    return unzigzag(this.number());
  }

  float64(): number {
    float64View.setUint32(0, this.bits(32));
    float64View.setUint32(4, this.bits(32));
    return float64View.getFloat64(0);
  }

  bytes(length: number): Uint8Array {
    if (length * 8 > this.bitsLeft) throw unreadable('it ends too early');
    const bytes = new Uint8Array(length);
    for (let index = 0; index < length; index += 1) bytes[index] = this.bits(8);
    return bytes;
  }

  /** Requires that nothing is left but the zeros that fill the last byte. */
  end(): void {
    if (this.bitsLeft >= 8 || this.#held !== 0) throw unreadable('something stands after its end');
  }

  #hold(): void {
    if (this.#next >= this.#bytes.length) throw unreadable('it ends too early');
    this.#held = (this.#held << 8) | (this.#bytes[this.#next] as number);
    this.#heldBits += 8;
    this.#next += 1;
  }
}

const float64View = new DataView(new ArrayBuffer(8));

export function unzigzag(folded: number): number {
  return folded % 2 === 0 ? folded / 2 : -(folded + 1) / 2;
}

export function unreadable(what: string): ProtocolError {
  return new ProtocolError('UNREADABLE', what);
}
