import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';

/** Bytes that say how long a packet is, at most (MQTT 3.1.1 section 2.2.3). */
const LENGTH_BYTES_MAX = 4;

/** Follows the packets in a stream of MQTT by their lengths alone, so that a large one is seen before it is held. */
export class PacketGuard {
  readonly #bytesMax: number;
  #next: 'type' | 'length' | 'body' = 'type';
  #bodyBytes = 0;
  #lengthBytes = 0;

  /** @param bytesMax of what follows a packet's length */
  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** False when a packet that begins or goes on in this chunk is too large, or its length is none. */
  accept(chunk: Uint8Array): boolean {
    let at = 0;
    while (at < chunk.length) {
      if (this.#next === 'body') {
        const taken = Math.min(this.#bodyBytes, chunk.length - at);
        at += taken;
        this.#bodyBytes -= taken;
        if (this.#bodyBytes === 0) this.#next = 'type';
      } else if (this.#next === 'type') {
        at += 1;
        this.#next = 'length';
        this.#bodyBytes = 0;
        this.#lengthBytes = 0;
      } else {
        if (!this.#takeLength(chunk[at] as number)) return false;
        at += 1;
      }
    }
    return true;
  }

  #takeLength(byte: number): boolean {
    this.#bodyBytes += (byte & 0x7f) * 128 ** this.#lengthBytes;
    this.#lengthBytes += 1;
    if (this.#bodyBytes > this.#bytesMax) return false;
    if ((byte & 0x80) !== 0) return this.#lengthBytes < LENGTH_BYTES_MAX;
    this.#next = this.#bodyBytes === 0 ? 'type' : 'body';
    return true;
  }
}

/** A socket that is closed as soon as a packet announces more than it may have: nobody buffers what will be refused. */
export class BoundedConnection extends Duplex {
  readonly #socket: Socket;

  constructor(socket: Socket, packetBytesMax: number, onTooLarge: () => void) {
    super();
    this.#socket = socket;
    const guard = new PacketGuard(packetBytesMax);
    socket.on('data', (chunk: Buffer) => {
      if (!guard.accept(chunk)) {
        onTooLarge();
        this.destroy(new Error('a packet is too large'));
      } else if (!this.push(chunk)) {
        socket.pause();
      }
    });
    socket.on('end', () => this.push(null));
    socket.on('error', (error) => this.destroy(error));
    socket.on('close', () => this.destroy());
  }

  override _read(): void {
    this.#socket.resume();
  }

  override _write(chunk: Uint8Array, _encoding: string, done: (error?: Error | null) => void): void {
    this.#socket.write(chunk, done);
  }

  override _writev(chunks: readonly { chunk: Uint8Array }[], done: (error?: Error | null) => void): void {
    this.#socket.write(Buffer.concat(chunks.map(({ chunk }) => chunk)), done);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#socket.end(done);
  }

  /** Lets go of the socket once what was written has gone out; at once after an error. */
  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    if (error === null) this.#socket.destroySoon();
    else this.#socket.destroy();
    done(error);
  }
}
