import type { Clock } from '../../runtime/clock.ts';
import type { RegisterBank } from './modbus-registers.ts';
import type { Talker } from './talker.ts';

/** Silence that ends a frame, in milliseconds: 3.5 characters at 9600. */
const GAP_MS = 4;

export interface ModbusUnit {
  readonly registers: RegisterBank;
  /** How long it takes to answer, in milliseconds. Default 10. */
  answerMs?: number;
  /** Answers with a checksum that is wrong. */
  isDamaged?: boolean;
  /** Does not answer. */
  isDeaf?: boolean;
}

/** Modbus RTU devices on one line, by their unit. Each answers what it was asked, one request after the other. */
export class ModbusRtuUnits implements Talker {
  readonly units: ReadonlyMap<number, ModbusUnit>;
  readonly #clock: Clock;
  #say: ((bytes: Uint8Array) => void) | undefined;
  #frame = Buffer.alloc(0);
  #cancelGap: () => void = () => undefined;
  /** Answers under way. */
  readonly #pending = new Set<() => void>();
  /** Whole requests that came, good or not. */
  requests = 0;

  constructor({ clock, units }: { readonly clock: Clock; readonly units: Readonly<Record<number, ModbusUnit>> }) {
    this.#clock = clock;
    this.units = new Map(Object.entries(units).map(([unit, each]) => [Number(unit), each]));
  }

  powerUp(say: (bytes: Uint8Array) => void): void {
    this.#say = say;
  }

  powerDown(): void {
    this.#say = undefined;
    this.#cancelGap();
    this.#frame = Buffer.alloc(0);
    for (const cancel of this.#pending) cancel();
    this.#pending.clear();
  }

  hear(bytes: Uint8Array): void {
    this.#cancelGap();
    this.#frame = Buffer.concat([this.#frame, bytes]);
    this.#cancelGap = this.#clock.after(GAP_MS, () => {
      const frame = this.#frame;
      this.#frame = Buffer.alloc(0);
      this.requests += 1;
      if (frame.length === 8 && crcOf(frame) === 0) this.#answer(frame);
    });
  }

  #answer(frame: Buffer): void {
    const number = frame.readUInt8(0);
    const unit = this.units.get(number);
    if (unit === undefined || unit.isDeaf === true) return;
    const cancel = this.#clock.after(unit.answerMs ?? 10, () => {
      this.#pending.delete(cancel);
      const body = Buffer.concat([Buffer.of(number), unit.registers.answer(frame.subarray(1, -2))]);
      const crc = crcOf(body) ^ (unit.isDamaged === true ? 1 : 0);
      this.#say?.(Buffer.concat([body, Buffer.of(crc & 0xff, crc >> 8)]));
    });
    this.#pending.add(cancel);
  }
}

/** A table of 256 remainders, as most devices have it. */
const CRC_TABLE = Array.from({ length: 256 }, (_, index) => {
  let remainder = index;
  for (let bit = 0; bit < 8; bit += 1) remainder = (remainder >> 1) ^ (0xa001 * (remainder & 1));
  return remainder;
});

/** CRC-16 of bytes; 0 over a frame with its CRC. */
export function crcOf(bytes: Uint8Array): number {
  return bytes.reduce((crc, byte) => (crc >> 8) ^ (CRC_TABLE[(crc ^ byte) & 0xff] as number), 0xffff);
}
