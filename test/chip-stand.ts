import type { AnyDriver, I2cDevice, PolledSensor, Reading } from '../drivers/driver.ts';
import { silentLog } from '../runtime/log.ts';
import { SeededRandom } from '../runtime/random.ts';
import type { I2cChip, Truth } from '../sim/chips/chip.ts';
import { SteppedClock } from '../sim/clock.ts';
import { SimulatedI2cBus } from '../sim/i2c-bus.ts';
import { HeldMemory } from './no-ports.ts';
import { SimulatedI2cPorts } from './simulated-i2c-ports.ts';

const { signal } = new AbortController();

/** A chip on a simulated bus, and a driver that reads it. Time passes only while a call waits for it, or a test steps it. */
export class ChipStand {
  readonly clock = new SteppedClock();
  readonly bus = new SimulatedI2cBus();
  readonly memory = new HeldMemory();
  /** What is true around the chip; set by the test. */
  truths: Readonly<Record<string, number>> = {};
  readonly truth: Truth = (quantity) => this.truths[quantity] ?? Number.NaN;
  readonly #ports = new SimulatedI2cPorts(this.bus, this.clock);

  attach<Chip extends I2cChip>(chip: Chip): Chip {
    this.bus.attach(chip);
    return chip;
  }

  /** A sensor with these keys of the configuration. */
  sensor(driver: AnyDriver, options: object = {}): PolledSensor {
    const { clock, memory } = this;
    const context = { clock, memory, random: new SeededRandom(1), log: silentLog, ports: this.#ports };
    const sensor = driver.create(driver.options.parse(options), context);
    if (sensor.mode !== 'polled') throw new Error('a chip is asked');
    return sensor;
  }

  async opened(driver: AnyDriver, options: object = {}): Promise<PolledSensor> {
    const sensor = this.sensor(driver, options);
    await this.within(1000, sensor.open(signal));
    return sensor;
  }

  async sample(sensor: PolledSensor): Promise<Reading> {
    return await this.within(1000, sensor.sample(signal));
  }

  async device(address: number): Promise<I2cDevice> {
    const device = this.#ports.i2c({ bus: 'i2c-1', address });
    await device.open(signal);
    return device;
  }

  /** What a call comes to in so many milliseconds. */
  async within<T>(ms: number, work: Promise<T>): Promise<T> {
    const [[outcome]] = await Promise.all([Promise.allSettled([work]), this.clock.advance(ms)]);
    if (outcome.status === 'rejected') throw outcome.reason;
    return outcome.value;
  }
}
