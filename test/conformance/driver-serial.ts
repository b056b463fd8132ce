import type { AnyDriver } from '../../drivers/driver.ts';
import type { Truth } from '../../sim/chips/chip.ts';
import { SteppedClock } from '../../sim/clock.ts';
import { type SerialTrouble, SimulatedSerialLine } from '../../sim/serial-line.ts';
import type { Talker, TalkerSurroundings } from '../../sim/talkers/talker.ts';
import { SerialLinePorts } from '../serial-line-ports.ts';
import type { DriverFault, DriverSubject, DriverWorld, Outcome, Truths } from './driver.ts';

export interface SerialWorld<Device extends Talker> extends DriverWorld {
  readonly line: SimulatedSerialLine;
  readonly talker: Device;
}

export interface SerialSubject<Device extends Talker>
  extends Pick<
    DriverSubject,
    'driver' | 'kind' | 'options' | 'truths' | 'expected' | 'beyond' | 'tolerances' | 'periodMs' | 'lag'
  > {
  readonly driver: AnyDriver;
  readonly baud: number;
  talker(surroundings: TalkerSurroundings): Device;
  /** What a bit turned in all that is said comes to: with a checksum, nothing but `missing` and `SENSOR_FAILED`. */
  readonly garbled: readonly Outcome[];
  /** What noise before all that is said comes to; left out: nothing, it is right. */
  readonly noisy?: readonly Outcome[];
  /** Beside those of the line, which every device has. */
  readonly faults?: readonly DriverFault<SerialWorld<Device>>[];
}

/** The subject of a driver of a device on a serial line: its model behind the gateway's own ports, and all that can happen to a line. */
export function serialSubject<Device extends Talker>(given: SerialSubject<Device>): DriverSubject<SerialWorld<Device>> {
  const { talker, baud, garbled, noisy = ['right'], faults = [], ...rest } = given;
  return {
    ...rest,
    world: () => worldOf(talker, baud),
    faults: [
      {
        name: 'its adapter unplugged',
        begin: ({ line }) => line.unplug(),
        end: ({ line }) => line.plug(),
        atOpen: ['PORT_ABSENT'],
        atSample: ['PORT_LOST'],
      },
      trouble('a wire that is cut', 'silence', ['missing', 'PORT_SILENT']),
      trouble('a bit turned in all that is said', 'garble', garbled),
      trouble('noise on the wire', 'babble', noisy),
      ...faults,
    ],
    powerCycle: ({ line }) => line.powerCycle(),
  };
}

function trouble<Device extends Talker>(
  name: string,
  what: SerialTrouble,
  atSample: readonly Outcome[],
): DriverFault<SerialWorld<Device>> {
  return {
    name,
    begin: ({ line }) => {
      line.trouble = what;
    },
    end: ({ line }) => {
      line.trouble = undefined;
    },
    atSample,
  };
}

function worldOf<Device extends Talker>(make: SerialSubject<Device>['talker'], baud: number): SerialWorld<Device> {
  const clock = new SteppedClock();
  let truths: Truths = {};
  const truth: Truth = (quantity) => {
    const value = truths[quantity];
    if (typeof value !== 'number') throw new Error(`no truth says what ${quantity} is`);
    return value;
  };
  const talker = make({ clock, truth });
  const line = new SimulatedSerialLine(talker, { baud });
  return {
    clock,
    line,
    talker,
    ports: new SerialLinePorts(line, clock),
    set: (next) => {
      truths = next;
    },
  };
}
