import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';

/** Longest frame of either form, in bytes (MODBUS over Serial Line V1.02, 2.3; Messaging on TCP/IP V1.0b, 4.1). */
const FRAME_BYTES_MAX = 260;
/** Transaction, protocol, length: what stands before the unit in a TCP frame. */
const PREFIX_BYTES = 6;
const EXCEPTION_BYTES = 5;
const EXCEPTION = 0x80;
const CRC_BYTES = 2;

/** A request of functions 3 and 4 as the library makes it: unit, function, address, count, CRC. */
interface Request {
  readonly unit: number;
  readonly code: number;
  readonly count: number;
  readonly frame: Buffer;
}

/**
 * The side of the wire that `modbus-serial` calls its port: requests come in by `write` as RTU frames, and answers go out
 * as the event `data`, one whole RTU frame each. Between a request and its answer, or `forget`, it listens; what comes at
 * another time is nobody's and is dropped.
 */
export abstract class FramePort extends EventEmitter {
  readonly #send: (bytes: Uint8Array) => void;
  #received: Buffer = Buffer.alloc(0);
  #request: Request | undefined;
  #heard = 0;

  constructor(send: (bytes: Uint8Array) => void) {
    super();
    this.#send = send;
  }

  /** The library asks before each request; whether the wire is there is its owner's matter. */
  get isOpen(): boolean {
    return true;
  }

  /** Bytes that came since the last request. */
  get heard(): number {
    return this.#heard;
  }

  open(done: (error?: Error) => void): void {
    done();
  }

  write(frame: Buffer): void {
    this.#received = this.keep(this.#received);
    this.#request = { unit: frame.readUInt8(0), code: frame.readUInt8(1), count: frame.readUInt16BE(4), frame };
    this.#heard = 0;
    this.#send(this.encode(frame));
  }

  /** What came from the wire. */
  take(bytes: Uint8Array): void {
    this.#heard += bytes.length;
    this.#received = Buffer.concat([this.#received, bytes]);
    if (this.#request !== undefined) this.#received = this.decode(this.#received, this.#request);
    if (this.#request === undefined) this.#received = this.keep(this.#received);
  }

  /** The answer is not waited for any more. */
  forget(): void {
    this.#request = undefined;
  }

  /** Hands an answer to the library, whatever is in it. */
  protected answer(frame: Buffer): void {
    this.#request = undefined;
    this.emit('data', frame);
  }

  /** The request as it goes over the wire. */
  protected abstract encode(frame: Buffer): Uint8Array;
  /** Looks for the answer in all that has come, and returns what is still of use. */
  protected abstract decode(received: Buffer, request: Request): Buffer;
  /** What is still of use of bytes that nobody waits for. */
  protected abstract keep(received: Buffer): Buffer;
}

/** Frames on a serial line. An answer begins where unit, function and length are those that were asked for: noise and echoes before it pass. */
export class RtuPort extends FramePort {
  protected encode(frame: Buffer): Uint8Array {
    return frame;
  }

  protected decode(received: Buffer, { unit, code, count, frame }: Request): Buffer {
    for (let at = 0; at + EXCEPTION_BYTES <= received.length; at += 1) {
      if (received[at] !== unit) continue;
      // Of an adapter that hears itself. The register's number in it may be what the length is in an answer.
      const echo = frame.subarray(0, received.length - at);
      if (received.subarray(at, at + echo.length).equals(echo)) {
        at += frame.length - 1;
        continue;
      }
      const isException = received[at + 1] === (code | EXCEPTION);
      const isAnswer = received[at + 1] === code && received[at + 2] === 2 * count;
      const length = isException ? EXCEPTION_BYTES : EXCEPTION_BYTES + 2 * count;
      if ((!isException && !isAnswer) || at + length > received.length) continue;
      this.answer(received.subarray(at, at + length));
      return received.subarray(at + length);
    }
    return received.subarray(-2 * FRAME_BYTES_MAX);
  }

  protected keep(): Buffer {
    return Buffer.alloc(0);
  }
}

/** Frames on a TCP connection: each carries the number of its request, so that a late answer is known as such. */
export class TcpPort extends FramePort {
  readonly #onBroken: () => void;
  #transaction = 0;

  /** @param onBroken what comes is no Modbus: where a frame begins is not known any more */
  constructor(send: (bytes: Uint8Array) => void, onBroken: () => void) {
    super(send);
    this.#onBroken = onBroken;
  }

  protected encode(frame: Buffer): Uint8Array {
    this.#transaction = (this.#transaction + 1) & 0xffff;
    const bytes = Buffer.alloc(PREFIX_BYTES + frame.length - CRC_BYTES);
    bytes.writeUInt16BE(this.#transaction, 0);
    bytes.writeUInt16BE(frame.length - CRC_BYTES, 4);
    frame.copy(bytes, PREFIX_BYTES, 0, frame.length - CRC_BYTES);
    return bytes;
  }

  protected decode(received: Buffer): Buffer {
    return this.#frames(received, (transaction, body) => {
      if (transaction !== this.#transaction) return;
      const frame = Buffer.concat([body, Buffer.alloc(CRC_BYTES)]);
      frame.writeUInt16LE(crc16(body), body.length);
      this.answer(frame);
    });
  }

  protected keep(received: Buffer): Buffer {
    return this.#frames(received, () => undefined);
  }

  /** Calls `onFrame` for each whole frame; the rest is the beginning of the next. */
  #frames(received: Buffer, onFrame: (transaction: number, body: Buffer) => void): Buffer {
    let rest = received;
    while (rest.length >= PREFIX_BYTES) {
      const length = rest.readUInt16BE(4);
      if (rest.readUInt16BE(2) !== 0 || length < 3 || length > FRAME_BYTES_MAX - PREFIX_BYTES) {
        this.#onBroken();
        return Buffer.alloc(0);
      }
      if (rest.length < PREFIX_BYTES + length) break;
      onFrame(rest.readUInt16BE(0), rest.subarray(PREFIX_BYTES, PREFIX_BYTES + length));
      rest = rest.subarray(PREFIX_BYTES + length);
    }
    return rest;
  }
}

/** Bytes of the answer to a request of functions 3 and 4, in RTU. */
export function answerBytes(count: number): number {
  assert(count >= 1 && count <= 125, '1 to 125 registers');
  return EXCEPTION_BYTES + 2 * count;
}

/** CRC-16 of an RTU frame (MODBUS over Serial Line V1.02, 6.2.2); it goes out low byte first. */
export function crc16(bytes: Uint8Array): number {
  let crc = 0xffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ 0xa001 : crc >>> 1;
  }
  return crc;
}
