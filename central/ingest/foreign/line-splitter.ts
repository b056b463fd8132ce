const NEWLINE = 0x0a;
const RETURN = 0x0d;

/** Bytes that come in pieces, as lines of a bounded length. */
export class LineSplitter {
  readonly #bytesMax: number;
  readonly #onLine: (line: Uint8Array) => void;
  readonly #onTooLong: () => void;
  #parts: Uint8Array[] = [];
  #bytes = 0;
  /** Whether the line under way was too long, and its rest is passed by. */
  #isSkipping = false;

  /** @param onLine gets each line without its end, LF or CR LF; one that is empty is none */
  constructor(bytesMax: number, onLine: (line: Uint8Array) => void, onTooLong: () => void) {
    this.#bytesMax = bytesMax;
    this.#onLine = onLine;
    this.#onTooLong = onTooLong;
  }

  push(chunk: Uint8Array): void {
    let start = 0;
    for (;;) {
      const end = chunk.indexOf(NEWLINE, start);
      if (end < 0) break;
      this.#add(chunk.subarray(start, end));
      this.#finish();
      start = end + 1;
    }
    this.#add(chunk.subarray(start));
  }

  /** No more comes: what stands without an end is a line, too. */
  end(): void {
    this.#finish();
  }

  #add(part: Uint8Array): void {
    if (this.#isSkipping || part.length === 0) return;
    this.#bytes += part.length;
    // One more, as a CR is none of the line.
    if (this.#bytes > this.#bytesMax + 1) {
      this.#tooLong();
      return;
    }
    // A copy: the piece that it came in would be kept as long as this.
    this.#parts.push(Uint8Array.from(part));
  }

  #finish(): void {
    const whole = Buffer.concat(this.#parts);
    const line = whole.at(-1) === RETURN ? whole.subarray(0, -1) : whole;
    const { length } = line;
    if (length > this.#bytesMax) this.#tooLong();
    else if (length > 0) this.#onLine(line);
    this.#parts = [];
    this.#bytes = 0;
    this.#isSkipping = false;
  }

  #tooLong(): void {
    this.#parts = [];
    this.#isSkipping = true;
    this.#onTooLong();
  }
}
