import type { SerialBytes, SerialBytesSettings } from '../../drivers/driver.ts';
import { BoundedQueue } from './bounded-queue.ts';
import { lostError } from './serial-errors.ts';
import { openSession, type SerialContext, type SerialSession } from './serial-session.ts';

/** Bytes that may wait for a slow reader: minutes of any device that speaks in frames. */
const BYTES_MAX = 65_536;

/** Bytes from and to one serial port, 8 data bits, no parity, 1 stop bit. Every opening is a new port with nothing left over from the last. */
export class SerialPortBytes implements SerialBytes {
  readonly #settings: SerialBytesSettings;
  readonly #context: SerialContext;
  #open: { readonly session: SerialSession; readonly queue: BoundedQueue<Uint8Array> } | undefined;

  constructor(settings: SerialBytesSettings, context: SerialContext) {
    this.#settings = settings;
    this.#context = context;
  }

  async open(signal: AbortSignal): Promise<void> {
    await this.close();
    const session = await openSession(this.#settings, this.#context, signal);
    const queue = new BoundedQueue<Uint8Array>(BYTES_MAX, ({ length }) => length);
    session.listen(
      (stream) => stream.on('data', (chunk: Buffer) => queue.push(chunk)),
      (error) => queue.end(error),
    );
    this.#open = { session, queue };
  }

  /** See `SerialBytes`. Ends without an error when the port is closed by `close`; a port that is not open has no bytes. */
  async *chunks(signal: AbortSignal): AsyncGenerator<Uint8Array> {
    if (this.#open !== undefined) yield* this.#open.queue.read(signal);
  }

  /** Resolves when the system has taken the bytes. Throws `PORT_LOST`. */
  async write(bytes: Uint8Array, signal: AbortSignal): Promise<void> {
    if (this.#open === undefined) throw lostError(this.#settings.path, undefined);
    await this.#open.session.write(bytes, signal);
  }

  async close(): Promise<void> {
    const open = this.#open;
    this.#open = undefined;
    await open?.session.close();
  }
}
