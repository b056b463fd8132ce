import type { AnyDriver } from '../../drivers/driver.ts';
import type { I2cChip, Truth } from '../../sim/chips/chip.ts';
import { SteppedClock } from '../../sim/clock.ts';
import { type I2cTrouble, SimulatedI2cBus } from '../../sim/i2c-bus.ts';
import { SimulatedI2cPorts } from '../simulated-i2c-ports.ts';
import type { DriverFault, DriverSubject, DriverWorld, Outcome, Truths } from './driver.ts';

/** A chip model that can be without power for a moment. */
export interface PoweredChip extends I2cChip {
  powerCycle(): void;
}

export interface ChipSurroundings {
  readonly clock: SteppedClock;
  /** Throws for a quantity that no truth names. */
  readonly truth: Truth;
}

export interface I2cWorld<Chip extends PoweredChip> extends DriverWorld {
  readonly bus: SimulatedI2cBus;
  readonly chip: Chip;
}

export interface I2cSubject<Chip extends PoweredChip>
  extends Pick<DriverSubject, 'driver' | 'truths' | 'expected' | 'beyond' | 'tolerances' | 'periodMs' | 'lag'> {
  readonly driver: AnyDriver;
  /** Left out: all defaults. */
  readonly options?: Readonly<Record<string, unknown>>;
  chip(surroundings: ChipSurroundings): Chip;
  /** Another chip at the same address, where the driver can tell it from its own. */
  impostor?(surroundings: ChipSurroundings): I2cChip;
  /**
   * What a bit turned in each answer comes to. A chip with checksums: `READING_DAMAGED`, say, and nothing else. One without
   * any lets wrong numbers pass, `unnoticed`, as long as they are possible.
   */
  readonly garbled: readonly Outcome[];
  /** Beside those of the bus, which every chip has. */
  readonly faults?: readonly DriverFault<I2cWorld<Chip>>[];
}

/** The subject of a driver of an I²C chip: its model on a simulated bus, and all that the bus can do to it. */
export function i2cSubject<Chip extends PoweredChip>(given: I2cSubject<Chip>): DriverSubject<I2cWorld<Chip>> {
  const { chip, impostor, garbled, faults = [], options = {}, ...rest } = given;
  return {
    ...rest,
    kind: 'chip',
    options,
    world: () => worldOf(chip),
    faults: [
      trouble('a chip that does not acknowledge', 'nack', ['I2C_NO_DEVICE'], ['I2C_NO_DEVICE']),
      trouble('a chip that stretches the clock too long', 'timeout', ['BUS_FAILED'], ['BUS_FAILED']),
      trouble('a bit turned in each answer', 'garble', undefined, garbled),
      absentBus(),
      ...(impostor === undefined ? [] : [impostorAt(impostor)]),
      ...faults,
    ],
    hang: {
      begin: ({ bus, chip: { address } }) => bus.trouble(address, 'hang'),
      end: ({ bus, chip: { address } }) => bus.trouble(address, undefined),
    },
    powerCycle: ({ chip: powered }) => powered.powerCycle(),
  };
}

function worldOf<Chip extends PoweredChip>(make: I2cSubject<Chip>['chip']): I2cWorld<Chip> {
  const clock = new SteppedClock();
  let truths: Truths = {};
  const truth: Truth = (quantity) => {
    const value = truths[quantity];
    if (typeof value !== 'number') throw new Error(`no truth says what ${quantity} is`);
    return value;
  };
  const chip = make({ clock, truth });
  const bus = new SimulatedI2cBus(chip);
  return {
    clock,
    bus,
    chip,
    ports: new SimulatedI2cPorts(bus, clock),
    set: (next) => {
      truths = next;
    },
  };
}

function trouble<Chip extends PoweredChip>(
  name: string,
  what: I2cTrouble,
  atOpen: DriverFault<I2cWorld<Chip>>['atOpen'],
  atSample: readonly Outcome[],
): DriverFault<I2cWorld<Chip>> {
  return {
    name,
    begin: ({ bus, chip }) => bus.trouble(chip.address, what),
    end: ({ bus, chip }) => bus.trouble(chip.address, undefined),
    ...(atOpen === undefined ? {} : { atOpen }),
    atSample,
  };
}

function absentBus<Chip extends PoweredChip>(): DriverFault<I2cWorld<Chip>> {
  return {
    name: 'a bus that is not there',
    begin: ({ bus }) => {
      bus.isAbsent = true;
    },
    end: ({ bus }) => {
      bus.isAbsent = false;
    },
    atOpen: ['PORT_ABSENT'],
  };
}

function impostorAt<Chip extends PoweredChip>(
  make: NonNullable<I2cSubject<Chip>['impostor']>,
): DriverFault<I2cWorld<Chip>> {
  return {
    name: 'another chip at its address',
    // What it measures is nobody's matter.
    begin: ({ bus, clock }) => bus.attach(make({ clock, truth: () => 20 })),
    end: ({ bus, chip }) => bus.attach(chip),
    atOpen: ['SENSOR_UNKNOWN'],
  };
}
