import { oneWirePorts } from '../../../daemon/buses/one-wire.ts';
import type { OneWireDevice } from '../../../drivers/driver.ts';
import { ds18b20 } from '../../../drivers/ds18b20/ds18b20.ts';
import { silentLog } from '../../../runtime/log.ts';
import { SteppedClock } from '../../../sim/clock.ts';
import { type OneWireTrouble, type SimulatedDs18b20, SimulatedOneWire } from '../../../sim/one-wire.ts';
import { NoPorts } from '../../no-ports.ts';
import type { DriverFault, DriverSubject, DriverWorld, Truths } from '../driver.ts';

const ID = '28-0316a2798dff';

interface WireWorld extends DriverWorld {
  readonly wire: SimulatedOneWire;
  readonly device: SimulatedDs18b20;
}

/** A thermometer on the kernel's bus, through the gateway's own queue. */
class WirePorts extends NoPorts {
  readonly #ports: ReturnType<typeof oneWirePorts>;

  constructor(wire: SimulatedOneWire, clock: SteppedClock) {
    super();
    this.#ports = oneWirePorts({ machine: { oneWire: wire }, clock, log: silentLog });
  }

  override oneWire(device: string): OneWireDevice {
    return this.#ports.oneWire(device);
  }
}

function world(): WireWorld {
  const clock = new SteppedClock();
  let truths: Truths = {};
  const device: SimulatedDs18b20 = { quantity: 'water_temperature' };
  const truth = (quantity: string): number => Number(truths[quantity]);
  const wire = new SimulatedOneWire({ clock, truth, devices: { [ID]: device } });
  return {
    clock,
    wire,
    device,
    ports: new WirePorts(wire, clock),
    set: (next) => {
      truths = next;
    },
  };
}

function trouble(
  name: string,
  what: OneWireTrouble,
  atSample: DriverFault<WireWorld>['atSample'],
  atOpen?: DriverFault<WireWorld>['atOpen'],
): DriverFault<WireWorld> {
  return {
    name,
    begin: ({ device }) => {
      device.trouble = what;
    },
    end: ({ device }) => {
      device.trouble = undefined;
    },
    ...(atSample === undefined ? {} : { atSample }),
    ...(atOpen === undefined ? {} : { atOpen }),
  };
}

export const subject: DriverSubject<WireWorld> = {
  driver: ds18b20,
  kind: 'chip',
  options: { device: ID },
  world,
  truths: [
    { water_temperature: 17.5625 },
    { water_temperature: -55 },
    { water_temperature: 125 },
    { water_temperature: 0 },
    { water_temperature: -1.9375 },
  ],
  beyond: [{ water_temperature: 126 }, { water_temperature: -60 }],
  faults: [
    trouble('a wire that is cut', 'absent', ['PORT_LOST'], ['PORT_ABSENT']),
    trouble('checksums that are wrong', 'noise', ['READING_DAMAGED']),
    trouble('no power during conversions', 'power', ['READING_DAMAGED']),
    trouble('a data line that is held low', 'short', ['READING_DAMAGED']),
  ],
  hang: {
    begin: ({ device }) => {
      device.trouble = 'hang';
    },
    end: ({ device, wire }) => {
      device.trouble = undefined;
      wire.release();
    },
  },
};
