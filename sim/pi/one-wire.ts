import type { OneWireFiles } from '../../daemon/buses/machine.ts';

/** The kernel's files of one device: what each says at the moment, or a promise of it where the device takes its time. */
export type OneWireFile = (file: string) => string | Promise<string>;

/** A simulated 1-Wire bus, as the kernel shows it. */
export class SimulatedOneWire implements OneWireFiles {
  readonly #devices = new Map<string, OneWireFile>();
  readonly #unplugged = new Set<string>();

  attach(device: string, file: OneWireFile): void {
    this.#devices.set(device, file);
  }

  unplug(device: string): void {
    this.#unplugged.add(device);
  }

  plug(device: string): void {
    this.#unplugged.delete(device);
  }

  async list(): Promise<string[]> {
    return await Promise.resolve([...this.#devices.keys()].filter((device) => !this.#unplugged.has(device)).sort());
  }

  async read(device: string, file: string): Promise<string> {
    await Promise.resolve();
    const found = this.#devices.get(device);
    if (found === undefined || this.#unplugged.has(device)) {
      throw Object.assign(new Error(`ENOENT: no simulated device ${device}`), { code: 'ENOENT' });
    }
    return await found(file);
  }
}
