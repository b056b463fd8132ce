import type { Duplex } from 'node:stream';
import type { Machine } from '../../daemon/buses/machine.ts';
import { aborted } from '../../runtime/aborted.ts';
import type { Clock } from '../../runtime/clock.ts';
import { SeededRandom } from '../../runtime/random.ts';
import { WireEnd } from '../wire-end.ts';
import type { ModbusUnit } from './modbus-rtu.ts';

/** Transaction, protocol, length. */
const PREFIX_BYTES = 6;

/** `noise`: any bytes in place of each answer. `hang`: no connection comes about, and those that there are say nothing. */
export type ModbusTcpTrouble = 'noise' | 'hang';

/** A Modbus TCP server: one device, or a gateway to several. Answers each request after its unit's time, with its number. */
export class ModbusTcpServer implements Pick<Machine, 'openTcp'> {
  readonly units: ReadonlyMap<number, ModbusUnit>;
  readonly #clock: Clock;
  readonly #connections = new Set<WireEnd>();
  readonly #random = new SeededRandom(1);
  /** What goes wrong from now on; undefined: nothing. */
  trouble: ModbusTcpTrouble | undefined;
  /** Whether nobody can connect. */
  isRefusing = false;
  connections = 0;

  constructor({ clock, units }: { readonly clock: Clock; readonly units: Readonly<Record<number, ModbusUnit>> }) {
    this.#clock = clock;
    this.units = new Map(Object.entries(units).map(([unit, each]) => [Number(unit), each]));
  }

  async openTcp(host: string, port: number, signal: AbortSignal): Promise<Duplex> {
    await Promise.resolve();
    signal.throwIfAborted();
    if (this.trouble === 'hang') await aborted(signal);
    signal.throwIfAborted();
    if (this.isRefusing) {
      throw Object.assign(new Error(`connect ECONNREFUSED ${host}:${port}`), { code: 'ECONNREFUSED' });
    }
    this.connections += 1;
    let received = Buffer.alloc(0);
    const end = new WireEnd((bytes) => {
      received = Buffer.concat([received, bytes]);
      while (received.length >= PREFIX_BYTES && received.length >= PREFIX_BYTES + received.readUInt16BE(4)) {
        const length = PREFIX_BYTES + received.readUInt16BE(4);
        this.#answer(end, received.subarray(0, length));
        received = received.subarray(length);
      }
    });
    this.#connections.add(end);
    end.on('close', () => this.#connections.delete(end));
    return end;
  }

  /** Every connection is gone at once. */
  drop(): void {
    for (const connection of this.#connections) connection.destroy();
  }

  /** Bytes that are no Modbus, to every connection. */
  babble(bytes: Uint8Array): void {
    for (const connection of this.#connections) connection.push(bytes);
  }

  #answer(connection: WireEnd, request: Buffer): void {
    const number = request.readUInt8(PREFIX_BYTES);
    const unit = this.units.get(number);
    if (unit?.isDeaf === true || this.trouble === 'hang') return;
    this.#clock.after(unit?.answerMs ?? 10, () => {
      const body =
        unit === undefined
          ? Buffer.of(request.readUInt8(PREFIX_BYTES + 1) | 0x80, 11)
          : unit.registers.answer(request.subarray(PREFIX_BYTES + 1));
      const prefix = Buffer.from(request.subarray(0, PREFIX_BYTES + 1));
      prefix.writeUInt16BE(body.length + 1, 4);
      const answer = Buffer.concat([prefix, body]);
      if (connection.destroyed) return;
      connection.push(this.trouble === 'noise' ? this.#random.bytes(answer.length) : answer);
    });
  }
}
