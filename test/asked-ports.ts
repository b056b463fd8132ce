import type {
  GpioInput,
  GpioInputSettings,
  HostSystem,
  I2cDevice,
  I2cSettings,
  ModbusDevice,
  ModbusSettings,
  OneWireDevice,
  Place,
  Ports,
  SerialBytes,
  SerialBytesSettings,
  SerialLines,
  SerialSettings,
} from '../drivers/driver.ts';

/** A place without the keys that say it. */
export type AskedPlace = Pick<Place, 'kind'> & Readonly<Record<string, unknown>>;

/** A machine that notes what a driver asks it for, and has nothing to give. */
export class AskedPorts implements Ports {
  readonly asked: AskedPlace[] = [];
  readonly host = {} as HostSystem;

  serial({ path }: SerialSettings): SerialLines {
    return this.#note({ kind: 'serial', path });
  }

  serialBytes({ path }: SerialBytesSettings): SerialBytes {
    return this.#note({ kind: 'serial', path });
  }

  i2c(settings: I2cSettings): I2cDevice {
    return this.#note({ kind: 'i2c', settings });
  }

  gpioInput({ line }: GpioInputSettings): GpioInput {
    return this.#note({ kind: 'gpio', line });
  }

  /** Whoever is in the network may be asked by others too. */
  modbus(settings: ModbusSettings): ModbusDevice {
    if (settings.kind === 'tcp') return {} as ModbusDevice;
    const { path, baud, parity, stopBits } = settings;
    return this.#note({ kind: 'serial', path, shared: { baud, parity, stopBits } });
  }

  oneWire(device: string): OneWireDevice {
    return this.#note({ kind: 'one_wire', device });
  }

  /** What is given does nothing: a driver touches it in `open` at the soonest. */
  #note<Device extends object>(place: AskedPlace): Device {
    this.asked.push(place);
    return {} as Device;
  }
}

/** The places that a driver says it has, as `AskedPorts` notes them. */
export function withoutKeys({ at: _, ...place }: Place): AskedPlace {
  if (place.kind !== 'i2c') return place;
  const { kind, settings } = place;
  return { kind, settings };
}
