/** A frame of fixed length that begins with known bytes and proves itself by a checksum. */
export interface FrameForm {
  readonly begin: readonly number[];
  /** Bytes, with beginning and checksum. */
  readonly length: number;
  isWhole(frame: Buffer): boolean;
}

/** Finds frames in bytes that come in pieces of any size, with anything between them. */
export class FrameFinder {
  readonly #form: FrameForm;
  #received: Buffer = Buffer.alloc(0);
  #damaged = 0;
  #begun = 0;
  /** Whether what was received begins with a beginning that was counted. */
  #isCounted = false;

  constructor(form: FrameForm) {
    this.#form = form;
  }

  /** Places so far that looked like a frame and did not prove to be one. */
  get damaged(): number {
    return this.#damaged;
  }

  /** Beginnings of frames so far, whole or not: signs that somebody speaks who means to, which a stray byte is not. */
  get begun(): number {
    return this.#begun;
  }

  /** The frames that these bytes complete, in order. */
  take(bytes: Uint8Array): Buffer[] {
    const { begin, length, isWhole } = this.#form;
    const frames: Buffer[] = [];
    let rest = Buffer.concat([this.#received, bytes]);
    for (;;) {
      const at = rest.indexOf(Buffer.from(begin));
      if (at === -1) {
        this.#isCounted = false;
        break;
      }
      if (!this.#isCounted) this.#begun += 1;
      this.#isCounted = true;
      rest = rest.subarray(at);
      if (rest.length < length) break;
      this.#isCounted = false;
      const frame = rest.subarray(0, length);
      if (isWhole(frame)) {
        frames.push(Buffer.from(frame));
        rest = rest.subarray(length);
      } else {
        // The true beginning may stand inside what only looked like a frame.
        this.#damaged += 1;
        rest = rest.subarray(1);
      }
    }
    // Less than a frame; the beginning may be cut in two.
    this.#received = Buffer.from(rest.subarray(-(length - 1)));
    return frames;
  }
}
