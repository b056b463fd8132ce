import { join } from 'node:path';
import type { ErrorCode } from '../../runtime/errors.ts';
import type { I2cTrouble } from '../../sim/i2c-bus.ts';
import type { OneWireTrouble } from '../../sim/one-wire.ts';
import type { SimulatedMachine } from '../../sim/pi/machine.ts';
import type { SerialTrouble, SimulatedSerialLine } from '../../sim/serial-line.ts';
import type { ModbusRtuUnits, ModbusUnit } from '../../sim/talkers/modbus-rtu.ts';
import type { ModbusTcpServer } from '../../sim/talkers/modbus-tcp.ts';
import type { PoweredChip } from '../conformance/driver-i2c.ts';

/** A gateway with something on every kind of bus; a station has one sensor. */
export const MATRIX = join(import.meta.dirname, '../fixtures/fault-matrix.yaml');

export interface FaultCase {
  readonly bus: 'I2C' | 'serial' | 'GPIO' | '1-Wire' | 'Modbus RTU' | 'Modbus TCP';
  readonly fault: 'hangs' | 'does not answer' | 'babbles' | 'disappears';
  /** What goes wrong, in words. */
  readonly what: string;
  /** Stations whose sensors fail, with the code of the event. All others are to notice nothing. */
  readonly victims: Readonly<Record<string, ErrorCode>>;
  begin(machine: SimulatedMachine): void;
  end(machine: SimulatedMachine): void;
  /**
   * Stations that share the wire, and how long they may wait for their turn meanwhile, in milliseconds: for as long as an
   * answer may take.
   */
  readonly inTurn?: Readonly<Record<string, number>>;
}

type Row = Pick<FaultCase, 'fault' | 'what' | 'victims' | 'inTurn'>;

const EVERYBODY_ON_I2C_1 = (others: ErrorCode): FaultCase['victims'] => ({
  air: 'DEADLINE',
  humid: others,
  light: others,
});

const BME280 = 0x76;
const SHT4X = 0x44;

function i2c(address: number, trouble: I2cTrouble, row: Row): FaultCase {
  return {
    bus: 'I2C',
    ...row,
    begin: (machine) => machine.bus('i2c-1').trouble(address, trouble),
    end: (machine) => machine.bus('i2c-1').trouble(address, undefined),
  };
}

/** Pulled off its wires, and put on again: it has been without power. */
function unpluggedChip(): Pick<FaultCase, 'begin' | 'end'> {
  let chip: PoweredChip | undefined;
  return {
    begin: (machine) => {
      chip = machine.bus('i2c-1').detach(BME280) as PoweredChip;
    },
    end: (machine) => {
      chip?.powerCycle();
      if (chip !== undefined) machine.bus('i2c-1').attach(chip);
    },
  };
}

const ON_I2C: readonly FaultCase[] = [
  i2c(BME280, 'hang', {
    fault: 'hangs',
    what: 'a chip that holds the bus takes those on its wires along, and nobody on another bus',
    victims: EVERYBODY_ON_I2C_1('BUS_STUCK'),
  }),
  i2c(BME280, 'timeout', {
    fault: 'hangs',
    what: 'a chip that stretches the clock until the kernel gives it up',
    victims: { air: 'BUS_FAILED' },
  }),
  i2c(BME280, 'nack', {
    fault: 'does not answer',
    what: 'a chip that does not acknowledge',
    victims: { air: 'I2C_NO_DEVICE' },
  }),
  i2c(SHT4X, 'garble', {
    fault: 'babbles',
    what: 'a bit turned in each answer of a chip with checksums',
    victims: { humid: 'READING_DAMAGED' },
  }),
  i2c(BME280, 'noise', {
    fault: 'babbles',
    what: 'any bytes in place of the answers of a chip without checksums',
    victims: { air: 'SENSOR_UNKNOWN' },
  }),
  {
    bus: 'I2C',
    fault: 'disappears',
    what: 'a chip that is pulled off its wires, and loses its settings',
    victims: { air: 'I2C_NO_DEVICE' },
    ...unpluggedChip(),
  },
  {
    bus: 'I2C',
    fault: 'disappears',
    what: 'a bus whose adapter is unplugged, with all that is on it',
    victims: { air: 'PORT_ABSENT', humid: 'PORT_ABSENT', light: 'PORT_ABSENT' },
    begin: (machine) => {
      machine.bus('i2c-1').isAbsent = true;
    },
    end: (machine) => {
      machine.bus('i2c-1').isAbsent = false;
    },
  },
];

type Port = 'boat' | 'dust' | 'rs485';

function lineOf(machine: SimulatedMachine, port: Port): SimulatedSerialLine {
  return machine.serial(`/dev/serial/by-id/usb-${port}-port0`) as SimulatedSerialLine;
}

function serial(port: Port, trouble: SerialTrouble, row: Row): FaultCase {
  return {
    bus: port === 'rs485' ? 'Modbus RTU' : 'serial',
    ...row,
    begin: (machine) => {
      lineOf(machine, port).trouble = trouble;
    },
    end: (machine) => {
      lineOf(machine, port).trouble = undefined;
    },
  };
}

function unplugged(port: Port, row: Omit<Row, 'fault'>): FaultCase {
  return {
    bus: port === 'rs485' ? 'Modbus RTU' : 'serial',
    fault: 'disappears',
    ...row,
    begin: (machine) => lineOf(machine, port).unplug(),
    end: (machine) => lineOf(machine, port).plug(),
  };
}

const ON_SERIAL: readonly FaultCase[] = [
  serial('dust', 'hang', {
    fault: 'hangs',
    what: 'an adapter whose driver does not come back from a call',
    victims: { dust: 'PORT_SILENT' },
  }),
  serial('boat', 'silence', {
    fault: 'does not answer',
    what: 'instruments that say nothing any more',
    victims: { boat: 'PORT_SILENT' },
  }),
  serial('boat', 'noise', {
    fault: 'babbles',
    what: 'any bytes in place of sentences',
    victims: { boat: 'SENSOR_FAILED' },
  }),
  serial('dust', 'garble', {
    fault: 'babbles',
    what: 'a bit turned in each frame',
    victims: { dust: 'SENSOR_FAILED' },
  }),
  serial('dust', 'babble', {
    fault: 'babbles',
    what: 'noise before each frame, which is found all the same',
    victims: {},
  }),
  unplugged('boat', { what: 'a USB adapter that is unplugged', victims: { boat: 'PORT_LOST' } }),
];

const LINE = 'GPIO5';
const nothing = (): void => undefined;

const ON_GPIO: readonly FaultCase[] = [
  {
    bus: 'GPIO',
    fault: 'hangs',
    what: 'a line that is lost, and whose tools then do not come back',
    victims: { mast: 'PORT_LOST' },
    begin: (machine) => {
      machine.line(LINE).isHung = true;
      machine.line(LINE).isAbsent = true;
    },
    end: (machine) => {
      machine.line(LINE).isAbsent = false;
      machine.line(LINE).isHung = false;
    },
  },
  {
    bus: 'GPIO',
    fault: 'does not answer',
    what: 'a line that is lost to another program',
    victims: { mast: 'PORT_LOST' },
    begin: (machine) => {
      machine.line(LINE).isAbsent = true;
      machine.line(LINE).isAbsent = false;
      machine.line(LINE).take(nothing, nothing);
    },
    end: (machine) => machine.line(LINE).release(nothing),
  },
  {
    bus: 'GPIO',
    fault: 'babbles',
    what: 'a contact that bounces is a pulse, once',
    victims: {},
    begin: (machine) => {
      machine.line(LINE).bounces = 9;
    },
    end: (machine) => {
      machine.line(LINE).bounces = 0;
    },
  },
  {
    bus: 'GPIO',
    fault: 'disappears',
    what: 'a chip of lines that is unplugged',
    victims: { mast: 'PORT_LOST' },
    begin: (machine) => {
      machine.line(LINE).isAbsent = true;
    },
    end: (machine) => {
      machine.line(LINE).isAbsent = false;
    },
  },
];

function oneWire(trouble: OneWireTrouble, row: Row): FaultCase {
  const set = (machine: SimulatedMachine, what: OneWireTrouble | undefined): void => {
    const device = machine.oneWire.device('28-00000000000a');
    if (device !== undefined) device.trouble = what;
  };
  return {
    bus: '1-Wire',
    ...row,
    begin: (machine) => set(machine, trouble),
    end: (machine) => {
      set(machine, undefined);
      machine.oneWire.release();
    },
  };
}

const ON_ONE_WIRE: readonly FaultCase[] = [
  oneWire('hang', {
    fault: 'hangs',
    what: 'a read that does not come back takes the other thermometer on the wire along',
    victims: { pool: 'DEADLINE', pond: 'DEADLINE' },
  }),
  oneWire('silent', {
    fault: 'does not answer',
    what: 'a thermometer that says nothing, while the kernel still knows it',
    victims: { pool: 'READING_DAMAGED' },
  }),
  oneWire('noise', {
    fault: 'babbles',
    what: 'wrong checksums',
    victims: { pool: 'READING_DAMAGED' },
  }),
  oneWire('absent', {
    fault: 'disappears',
    what: 'a thermometer that the kernel does not know any more',
    victims: { pool: 'PORT_LOST' },
  }),
];

/** For how long a request of another unit may hold the line: time-out and bytes. */
const ONE_TIMEOUT_MS = 230;

function rtuUnit(set: (unit: ModbusUnit, isFaulty: boolean) => void, row: Row): FaultCase {
  const play = (machine: SimulatedMachine, isFaulty: boolean): void => {
    set((lineOf(machine, 'rs485').talker as ModbusRtuUnits).units.get(1) as ModbusUnit, isFaulty);
  };
  return { bus: 'Modbus RTU', ...row, begin: (machine) => play(machine, true), end: (machine) => play(machine, false) };
}

function deafen(unit: ModbusUnit, isDeaf: boolean): void {
  unit.isDeaf = isDeaf;
}

const ON_RTU: readonly FaultCase[] = [
  serial('rs485', 'hang', {
    fault: 'hangs',
    what: 'an adapter whose driver does not come back from a call',
    victims: { meter: 'DEADLINE', probe: 'DEADLINE' },
  }),
  rtuUnit(
    (unit, isFaulty) => {
      unit.answerMs = isFaulty ? 350 : 10;
    },
    {
      fault: 'hangs',
      what: 'a unit whose answers come after their time passes for nobody else',
      victims: { meter: 'DEADLINE' },
      inTurn: { probe: 2 * ONE_TIMEOUT_MS },
    },
  ),
  rtuUnit(deafen, {
    fault: 'does not answer',
    what: 'a unit without power',
    victims: { meter: 'DEADLINE' },
    inTurn: { probe: ONE_TIMEOUT_MS },
  }),
  rtuUnit(
    (unit, isFaulty) => {
      unit.isDamaged = isFaulty;
    },
    { fault: 'babbles', what: 'wrong checksums', victims: { meter: 'READING_DAMAGED' } },
  ),
  serial('rs485', 'noise', {
    fault: 'babbles',
    what: 'any bytes in place of the answers on a line',
    victims: { meter: 'READING_DAMAGED', probe: 'READING_DAMAGED' },
  }),
  unplugged('rs485', {
    what: 'a USB adapter that is unplugged',
    victims: { meter: 'PORT_LOST', probe: 'PORT_LOST' },
  }),
];

function tcp(set: (server: ModbusTcpServer, isFaulty: boolean) => void, row: Row): FaultCase {
  const play = (machine: SimulatedMachine, isFaulty: boolean): void => {
    set(machine.server('plant', 502) as ModbusTcpServer, isFaulty);
  };
  return { bus: 'Modbus TCP', ...row, begin: (machine) => play(machine, true), end: (machine) => play(machine, false) };
}

const BOTH_ON_TCP = (code: ErrorCode): FaultCase['victims'] => ({ plant: code, chiller: code });

const ON_TCP: readonly FaultCase[] = [
  tcp(
    (server, isFaulty) => {
      server.trouble = isFaulty ? 'hang' : undefined;
    },
    { fault: 'hangs', what: 'a server that takes connections and says nothing', victims: BOTH_ON_TCP('DEADLINE') },
  ),
  tcp((server, isFaulty) => deafen(server.units.get(1) as ModbusUnit, isFaulty), {
    fault: 'does not answer',
    what: 'a unit behind a gateway that says nothing of it',
    victims: { plant: 'DEADLINE' },
    inTurn: { chiller: ONE_TIMEOUT_MS },
  }),
  tcp(
    (server, isFaulty) => {
      server.trouble = isFaulty ? 'noise' : undefined;
    },
    { fault: 'babbles', what: 'any bytes in place of the answers', victims: BOTH_ON_TCP('PORT_LOST') },
  ),
  tcp(
    (server, isFaulty) => {
      server.isRefusing = isFaulty;
      if (isFaulty) server.drop();
    },
    { fault: 'disappears', what: 'a server that is switched off', victims: BOTH_ON_TCP('PORT_LOST') },
  ),
];

/** For each bus what a device on it can do to it. One that cannot exist is what it is in reality. */
export const FAULT_CASES: readonly FaultCase[] = [
  ...ON_I2C,
  ...ON_SERIAL,
  ...ON_GPIO,
  ...ON_ONE_WIRE,
  ...ON_RTU,
  ...ON_TCP,
];
