import type { OneWireFiles } from '../daemon/buses/machine.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Truth } from './chips/chip.ts';

/** At 12 bits; data sheet of the DS18B20, 19-7487, "Conversion time". */
const CONVERSION_MS = 750;
/** Scratchpad after power-on: 85 °C, alarms, 12 bits, and two bytes of the maker's. */
const POWER_ON = [0x50, 0x05, 0x4b, 0x46, 0x7f, 0xff, 0x0c, 0x10] as const;

/** `absent`: gone from the bus. `hang`: a read does not come back. `noise`: wrong checksums. `power`: it forgets each conversion. `short`: the data line is held low. `silent`: it says nothing, and the kernel has not noticed yet. */
export type OneWireTrouble = 'absent' | 'hang' | 'noise' | 'power' | 'short' | 'silent';

/** A DS18B20 as the kernel's file `w1_slave` shows it, by the quantity that it measures. */
export interface SimulatedDs18b20 {
  readonly quantity: string;
  trouble?: OneWireTrouble | undefined;
}

/** The kernel's 1-Wire files with DS18B20 behind them. */
export class SimulatedOneWire implements OneWireFiles {
  readonly devices: ReadonlyMap<string, SimulatedDs18b20>;
  readonly #clock: Clock;
  readonly #truth: Truth;
  readonly #held = new Set<(error: Error) => void>();
  /** What the kernel shows again when a checksum was wrong. */
  readonly #last = new Map<string, Buffer>();

  constructor({
    clock,
    truth,
    devices,
  }: {
    readonly clock: Clock;
    readonly truth: Truth;
    readonly devices: Readonly<Record<string, SimulatedDs18b20>>;
  }) {
    this.#clock = clock;
    this.#truth = truth;
    this.devices = new Map(Object.entries(devices));
  }

  async list(): Promise<string[]> {
    await Promise.resolve();
    return [...this.devices].filter(([, { trouble }]) => trouble !== 'absent').map(([id]) => id);
  }

  async read(id: string, file: string): Promise<string> {
    const device = this.devices.get(id);
    if (device === undefined || device.trouble === 'absent' || file !== 'w1_slave') throw faultOf('ENOENT');
    if (device.trouble === 'hang') await new Promise<void>((_, reject) => this.#held.add(reject));
    await this.#clock.sleep(CONVERSION_MS);
    // It may have been pulled out meanwhile.
    if (this.devices.get(id)?.trouble === 'absent') throw faultOf('EIO');
    const scratchpad = this.#scratchpad(device);
    if (device.trouble === 'noise') scratchpad[1] = (scratchpad[1] as number) ^ 0x04;
    const sum = crcOf(scratchpad.subarray(0, 8));
    const isRight = sum === scratchpad[8];
    if (isRight) this.#last.set(id, scratchpad);
    const shown = this.#last.get(id) ?? Buffer.alloc(9);
    const thousandths = Math.trunc((shown.readInt16LE(0) * 1000) / 16);
    const verdict = isRight ? 'YES' : 'NO';
    return `${printed(scratchpad)}: crc=${sum.toString(16).padStart(2, '0')} ${verdict}\n${printed(shown)}t=${thousandths}\n`;
  }

  /** Lets every read that hangs come back, with an error. */
  release(): void {
    for (const reject of this.#held) reject(faultOf('EIO'));
    this.#held.clear();
  }

  #scratchpad({ quantity, trouble }: SimulatedDs18b20): Buffer {
    const bytes = Buffer.from([...POWER_ON, 0]);
    if (trouble === 'short') return Buffer.alloc(9);
    // The pull-up alone.
    if (trouble === 'silent') return Buffer.alloc(9, 0xff);
    if (trouble !== 'power') {
      const steps = Math.round(16 * this.#truth(quantity));
      bytes.writeInt16LE(Math.max(-0x8000, Math.min(0x7fff, steps)), 0);
      bytes[6] = 0x10 - (steps & 0x0f);
    }
    bytes[8] = crcOf(bytes.subarray(0, 8));
    return bytes;
  }
}

function printed(bytes: Buffer): string {
  return [...bytes].map((byte) => `${byte.toString(16).padStart(2, '0')} `).join('');
}

/** CRC-8 of 1-Wire, x⁸ + x⁵ + x⁴ + 1, low bit first (Maxim, Application Note 27). */
function crcOf(bytes: Uint8Array): number {
  let crc = 0;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc & 1) === 1 ? (crc >> 1) ^ 0x8c : crc >> 1;
  }
  return crc;
}

function faultOf(code: string): Error {
  return Object.assign(new Error(`${code}: on the simulated 1-Wire bus`), { code });
}
