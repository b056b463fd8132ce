const BYTES_AT_FIRST = 4096;
/** Beyond this a whole number is not scaled: its varint has to stay exact in a double. */
const SCALED_MAX = 2 ** 51;
const POWERS_OF_TEN = [1, 10, 100, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9] as const;

/** How many decimals a number is kept with as a whole number, exactly; undefined where that cannot be. */
export function decimalsOf(value: number): number | undefined {
  if (Object.is(value, -0)) return undefined;
  for (let decimals = 0; decimals < POWERS_OF_TEN.length; decimals += 1) {
    const power = POWERS_OF_TEN[decimals] as number;
    const scaled = Math.round(value * power);
    if (Math.abs(scaled) > SCALED_MAX) return undefined;
    if (scaled / power === value) return decimals;
  }
  return undefined;
}

/** Bytes that grow at the end. */
export class ByteWriter {
  #buffer = Buffer.allocUnsafeSlow(BYTES_AT_FIRST);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** Forgets what was written from `length` on. */
  truncate(length: number): void {
    this.#length = length;
  }

  /** A copy of its own memory, so that it can be handed to another thread. */
  copy(): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.#buffer.subarray(0, this.#length));
  }

  byte(value: number): void {
    this.#reserve(1);
    this.#buffer[this.#length++] = value;
  }

  /** LEB128: seven bits a byte, the lowest first. Up to 2^53 - 1. */
  varint(value: number): void {
    this.#reserve(8);
    let rest = value;
    while (rest >= 0x80) {
      this.#buffer[this.#length++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.#buffer[this.#length++] = rest;
  }

  /** A number with so many decimals, as zigzag and varint. */
  scaled(value: number, decimals: number): void {
    const whole = Math.round(value * (POWERS_OF_TEN[decimals] as number));
    this.varint(whole < 0 ? -2 * whole - 1 : 2 * whole);
  }

  float64(value: number): void {
    this.#reserve(8);
    this.#length = this.#buffer.writeDoubleLE(value, this.#length);
  }

  /** Length in bytes, then UTF-8. */
  text(value: string): void {
    const bytes = Buffer.byteLength(value);
    this.varint(bytes);
    this.#reserve(bytes);
    this.#length += this.#buffer.write(value, this.#length);
  }

  #reserve(bytes: number): void {
    if (this.#length + bytes <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(this.#buffer.length * 2, this.#length + bytes));
    this.#buffer.copy(larger, 0, 0, this.#length);
    this.#buffer = larger;
  }
}

/** Reads what a `ByteWriter` wrote. Throws `RangeError` beyond the end. */
export class ByteReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#bytes.length;
  }

  byte(): number {
    const value = this.#bytes[this.#at];
    if (value === undefined) throw new RangeError('ends too early');
    this.#at += 1;
    return value;
  }

  varint(): number {
    let value = 0;
    let weight = 1;
    for (;;) {
      const byte = this.byte();
      value += (byte & 0x7f) * weight;
      if (byte < 0x80) return value;
      weight *= 0x80;
    }
  }

  scaled(decimals: number): number {
    const zigzag = this.varint();
    const whole = zigzag % 2 === 1 ? -(zigzag + 1) / 2 : zigzag / 2;
    return whole / (POWERS_OF_TEN[decimals] as number);
  }

  float64(): number {
    const value = this.#bytes.readDoubleLE(this.#at);
    this.#at += 8;
    return value;
  }

  text(): string {
    const bytes = this.varint();
    if (this.#at + bytes > this.#bytes.length) throw new RangeError('ends too early');
    this.#at += bytes;
    return this.#bytes.toString('utf8', this.#at - bytes, this.#at);
  }
}
