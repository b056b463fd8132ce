import { Transform, type TransformCallback } from 'node:stream';

const LINE_FEED = 0x0a;

/**
 * Lets at most `bytesMax + 1` bytes of each line through. What stands behind it (the readline parser has no limit of its
 * own) holds so much and no more, and knows a line of `bytesMax + 1` bytes as one that was too long. Line ends pass.
 */
export class LineLimiter extends Transform {
  readonly #keepMax: number;
  #lineBytes = 0;

  constructor(bytesMax: number) {
    super();
    this.#keepMax = bytesMax + 1;
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    let start = 0;
    while (start < chunk.length) {
      const lineFeed = chunk.indexOf(LINE_FEED, start);
      const end = lineFeed === -1 ? chunk.length : lineFeed;
      const kept = Math.min(end - start, this.#keepMax - this.#lineBytes);
      if (kept > 0) this.push(chunk.subarray(start, start + kept));
      this.#lineBytes += kept;
      if (lineFeed !== -1) {
        this.push(chunk.subarray(lineFeed, lineFeed + 1));
        this.#lineBytes = 0;
      }
      start = end + 1;
    }
    done();
  }
}
