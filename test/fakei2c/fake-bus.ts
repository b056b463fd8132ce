import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { getSystemErrorMap } from 'node:util';
import type { I2cJob } from '../../daemon/buses/machine.ts';
import type { SimulatedI2cBus } from '../../sim/i2c-bus.ts';

interface Message {
  readonly address: number;
  /** Undefined: a read. */
  readonly written: Uint8Array | undefined;
  readonly length: number;
}

const HEAD_BYTES = 6;
const ERRNO = new Map([...getSystemErrorMap()].map(([number, [name]]) => [name, -number]));

/**
 * The other end of `fakei2c.c`: `/dev/i2c-N` of every program under the preload library that was given the same folder.
 * Like the wire it knows bytes only, and its multiplexers (TCA9548A) are chips with one register.
 */
export class FakeI2cBus {
  readonly #path: string;
  readonly #bus: SimulatedI2cBus;
  /** The channels that each multiplexer connects, a bit each. */
  readonly #muxes: Map<number, number>;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #last: Promise<void> = Promise.resolve();
  /** Errors, by the system's name, with which the next transactions fail. */
  readonly failures: string[] = [];
  /** What was on the wire: `76<f7 76>8` for a register read of eight bytes. */
  readonly wire: string[] = [];

  constructor(folder: string, number: number, bus: SimulatedI2cBus, muxes: readonly number[] = []) {
    this.#path = join(folder, String(number));
    this.#bus = bus;
    this.#muxes = new Map(muxes.map((address) => [address, 0]));
    this.#server = createServer((socket) => this.#serve(socket));
  }

  async listen(): Promise<void> {
    this.#server.listen(this.#path);
    await once(this.#server, 'listening');
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
    rmSync(this.#path, { force: true });
  }

  #serve(socket: Socket): void {
    let bytes = Buffer.alloc(0);
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
    // Who is killed in the middle of a call is no fault of the bus.
    socket.on('error', () => undefined);
    socket.on('data', (chunk: Buffer) => {
      bytes = Buffer.concat([bytes, chunk]);
      for (let request = parse(bytes); request !== undefined; request = parse(bytes)) {
        bytes = bytes.subarray(request.bytes);
        const { messages } = request;
        // The kernel lets one at a time onto a bus.
        this.#last = this.#last.then(async () => {
          const answer = await this.#answer(messages);
          if (!socket.destroyed) socket.write(answer);
        });
      }
    });
  }

  async #answer(messages: readonly Message[]): Promise<Buffer> {
    this.wire.push(messages.map(textOf).join(' '));
    try {
      const failure = this.failures.shift();
      if (failure !== undefined) throw Object.assign(new Error(failure), { code: failure });
      const bytes = await this.#transfer(messages);
      const result = Buffer.alloc(4);
      result.writeInt32LE(messages.length);
      return Buffer.concat([result, bytes]);
    } catch (error) {
      const result = Buffer.alloc(4);
      result.writeInt32LE(-(ERRNO.get((error as { code?: string }).code ?? '') ?? 5));
      return result;
    }
  }

  async #transfer(messages: readonly Message[]): Promise<Uint8Array> {
    const [{ address }] = messages as [Message];
    const mask = this.#muxes.get(address);
    if (mask !== undefined) return this.#muxRegister(address, mask, messages);
    const written = messages.find((message) => message.written !== undefined)?.written;
    const job: I2cJob = {
      address,
      ...(written === undefined ? {} : { write: written }),
      readLength: messages.find((message) => message.written === undefined)?.length ?? 0,
      isCombined: messages.length > 1,
    };
    const places = [undefined, ...[...this.#muxes].flatMap(([mux, channels]) => channelsOf(mux, channels))];
    const answers: Uint8Array[] = [];
    const errors: unknown[] = [];
    for (const mux of places) {
      try {
        answers.push(await this.#bus.run({ ...job, ...(mux === undefined ? {} : { mux }) }));
      } catch (error) {
        errors.push(error);
      }
    }
    const [first] = answers;
    if (first === undefined) throw worst(errors);
    // A wire that one of two pulls low is low.
    return first.map((byte, index) => answers.reduce((low, other) => low & (other[index] ?? 0xff), byte));
  }

  #muxRegister(address: number, mask: number, messages: readonly Message[]): Uint8Array {
    const set = messages.find(({ written }) => written !== undefined)?.written?.at(-1);
    if (set !== undefined) this.#muxes.set(address, set);
    const read = messages.find(({ written }) => written === undefined);
    return new Uint8Array(read?.length ?? 0).fill(set ?? mask);
  }
}

function channelsOf(address: number, mask: number): { readonly address: number; readonly channel: number }[] {
  return [0, 1, 2, 3, 4, 5, 6, 7].filter((channel) => (mask >> channel) & 1).map((channel) => ({ address, channel }));
}

/** What is more than that nobody answers. */
function worst(errors: readonly unknown[]): unknown {
  return errors.find((error) => (error as { code?: string }).code !== 'ENXIO') ?? errors[0];
}

function parse(bytes: Buffer): { readonly messages: readonly Message[]; readonly bytes: number } | undefined {
  if (bytes.length === 0) return undefined;
  const messages: Message[] = [];
  let at = 1;
  for (let index = 0; index < bytes.readUInt8(0); index += 1) {
    if (bytes.length < at + HEAD_BYTES) return undefined;
    const [address, flags, length] = [0, 2, 4].map((offset) => bytes.readUInt16LE(at + offset)) as [
      number,
      number,
      number,
    ];
    at += HEAD_BYTES;
    const isRead = flags === 1;
    if (!isRead && bytes.length < at + length) return undefined;
    messages.push({ address, length, written: isRead ? undefined : Uint8Array.from(bytes.subarray(at, at + length)) });
    if (!isRead) at += length;
  }
  return { messages, bytes: at };
}

function textOf({ address, written, length }: Message): string {
  const hex = address.toString(16);
  return written === undefined ? `${hex}>${length}` : `${hex}<${Buffer.from(written).toString('hex')}`;
}
