import type { GpioInput, GpioInputSettings } from '../drivers/driver.ts';
import type { SimulatedLine } from '../sim/pi/gpio.ts';
import { NoPorts } from './no-ports.ts';

/** A machine with one GPIO line, whatever the driver calls it. */
export class GpioPorts extends NoPorts {
  readonly #line: SimulatedLine;

  constructor(line: SimulatedLine) {
    super();
    this.#line = line;
  }

  override gpioInput(settings: GpioInputSettings): GpioInput {
    return this.#line.input(settings);
  }
}
