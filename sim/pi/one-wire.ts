import type { OneWireFiles } from '../../daemon/buses/machine.ts';
import type { SimulatedDs18b20, SimulatedOneWire } from '../one-wire.ts';

/** A machine's 1-Wire devices: each has surroundings of its own, and so a bus of its own, which the kernel shows as one. */
export class JoinedOneWire implements OneWireFiles {
  readonly #buses: SimulatedOneWire[] = [];

  attach(bus: SimulatedOneWire): void {
    this.#buses.push(bus);
  }

  /** The handle for its faults: `device('28-…').trouble = 'noise'`. */
  device(id: string): SimulatedDs18b20 | undefined {
    return this.#busOf(id)?.devices.get(id);
  }

  /** Lets every read that hangs come back. */
  release(): void {
    for (const bus of this.#buses) bus.release();
  }

  async list(): Promise<string[]> {
    const lists = await Promise.all(this.#buses.map((bus) => bus.list()));
    return lists.flat().sort();
  }

  async read(device: string, file: string): Promise<string> {
    const bus = this.#busOf(device);
    if (bus === undefined) throw Object.assign(new Error(`ENOENT: no simulated device ${device}`), { code: 'ENOENT' });
    return await bus.read(device, file);
  }

  #busOf(device: string): SimulatedOneWire | undefined {
    return this.#buses.find((bus) => bus.devices.has(device));
  }
}
