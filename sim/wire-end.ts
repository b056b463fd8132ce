import { Duplex } from 'node:stream';

/** The near end of a simulated wire: what is written is handed to the far end at once; what comes from there is `push`ed. */
export class WireEnd extends Duplex {
  readonly #said: (bytes: Buffer) => void;

  constructor(said: (bytes: Buffer) => void) {
    super();
    this.#said = said;
  }

  override _read(): void {
    // What is said is pushed when it is said.
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#said(chunk);
    done();
  }
}
