import type { HostSystem } from '../drivers/driver.ts';
import { NoPorts } from './no-ports.ts';

/** A machine without hardware that says something of itself. */
export class HostPorts extends NoPorts {
  readonly #host: HostSystem;

  constructor(host: HostSystem) {
    super();
    this.#host = host;
  }

  override get host(): HostSystem {
    return this.#host;
  }
}
