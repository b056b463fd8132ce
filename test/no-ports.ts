import type {
  GpioInput,
  HostSystem,
  I2cDevice,
  ModbusDevice,
  OneWireDevice,
  Ports,
  SensorMemory,
  SerialBytes,
  SerialLines,
} from '../drivers/driver.ts';

/** A machine without hardware. A test gives what its driver needs by extending it; to ask for more is a fault. */
export class NoPorts implements Ports {
  serial(..._: Parameters<Ports['serial']>): SerialLines {
    throw new Error('the test has no serial port for lines');
  }

  serialBytes(..._: Parameters<Ports['serialBytes']>): SerialBytes {
    throw new Error('the test has no serial port for bytes');
  }

  i2c(..._: Parameters<Ports['i2c']>): I2cDevice {
    throw new Error('the test has no I2C bus');
  }

  gpioInput(..._: Parameters<Ports['gpioInput']>): GpioInput {
    throw new Error('the test has no GPIO line');
  }

  modbus(..._: Parameters<Ports['modbus']>): ModbusDevice {
    throw new Error('the test has no Modbus line');
  }

  oneWire(..._: Parameters<Ports['oneWire']>): OneWireDevice {
    throw new Error('the test has no 1-Wire bus');
  }

  get host(): HostSystem {
    throw new Error('the test has no host');
  }
}

/** What a sensor keeps, as long as the test has it. */
export class HeldMemory implements SensorMemory {
  value: Awaited<ReturnType<SensorMemory['load']>>;

  load(): ReturnType<SensorMemory['load']> {
    return Promise.resolve(this.value);
  }

  save(value: Parameters<SensorMemory['save']>[0]): Promise<void> {
    this.value = value;
    return Promise.resolve();
  }
}
