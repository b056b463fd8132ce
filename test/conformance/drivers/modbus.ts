import { modbus } from '../../../drivers/modbus/modbus.ts';
import { SteppedClock } from '../../../sim/clock.ts';
import { SimulatedSerialLine } from '../../../sim/serial-line.ts';
import { float32Words, RegisterBank } from '../../../sim/talkers/modbus-registers.ts';
import { ModbusRtuUnits, type ModbusUnit } from '../../../sim/talkers/modbus-rtu.ts';
import { ModbusLinePorts } from '../../modbus-stage.ts';
import type { DriverFault, DriverSubject, DriverWorld, Outcome, Truths } from '../driver.ts';

interface MeterWorld extends DriverWorld {
  readonly line: SimulatedSerialLine;
  readonly unit: ModbusUnit;
}

/** An energy meter, number 17 of its line: two words of a tenth, a float with its low word first, a coil of a word. */
function world(): MeterWorld {
  const clock = new SteppedClock();
  let truths: Truths = {};
  const value = (name: string): number => Number(truths[name]);
  const registers = new RegisterBank();
  const tenths = (name: string): number => Math.round(10 * value(name)) & 0xffff;
  registers.put('input', 0, () => [tenths('temperature'), tenths('humidity')]);
  registers.put('holding', 100, () => float32Words(value('pressure')).reverse());
  registers.put('holding', 102, () => [truths.door_open === true ? 1 : 0]);
  const unit: ModbusUnit = { registers };
  const line = new SimulatedSerialLine(new ModbusRtuUnits({ clock, units: { 17: unit } }), { baud: 19_200 });
  return {
    clock,
    line,
    unit,
    ports: new ModbusLinePorts(line, clock),
    set: (next) => {
      truths = next;
    },
  };
}

function fault(
  name: string,
  change: (world: MeterWorld, isOn: boolean) => void,
  outcomes: readonly Outcome[],
  atOpen: DriverFault<MeterWorld>['atOpen'],
): DriverFault<MeterWorld> {
  return {
    name,
    begin: (at) => change(at, true),
    end: (at) => change(at, false),
    atSample: outcomes,
    ...(atOpen === undefined ? {} : { atOpen }),
  };
}

export const subject: DriverSubject<MeterWorld> = {
  driver: modbus,
  kind: 'protocol',
  options: {
    rtu: { port: '/dev/rs485', baud: 19_200, parity: 'even' },
    unit: 17,
    registers: [
      { metric: 'temperature', register: 0, kind: 'input', type: 'int16', scale: 0.1 },
      { metric: 'humidity', register: 1, kind: 'input', scale: 0.1, range: [0, 100] },
      { metric: 'pressure', register: 100, type: 'float32', order: 'cdab' },
      { metric: 'door_open', register: 102 },
    ],
  },
  world,
  truths: [
    { temperature: 21.5, humidity: 43.2, pressure: 987.625, door_open: false },
    { temperature: -3276.8, humidity: 0, pressure: 0, door_open: true },
    { temperature: 3276.7, humidity: 100, pressure: 1013.25, door_open: true },
  ],
  beyond: [{ temperature: 21.5, humidity: 100.1, pressure: 1000, door_open: false }],
  faults: [
    fault(
      'its adapter unplugged',
      ({ line }, isOn) => (isOn ? line.unplug() : line.plug()),
      ['PORT_LOST'],
      ['PORT_ABSENT'],
    ),
    fault(
      'a device that does not answer',
      ({ unit }, isOn) => {
        unit.isDeaf = isOn;
      },
      ['DEADLINE'],
      ['DEADLINE'],
    ),
    fault(
      'answers that come too late',
      ({ unit }, isOn) => {
        unit.answerMs = isOn ? 700 : 10;
      },
      ['DEADLINE'],
      ['DEADLINE'],
    ),
    fault(
      'checksums that are wrong',
      ({ unit }, isOn) => {
        unit.isDamaged = isOn;
      },
      ['READING_DAMAGED'],
      ['READING_DAMAGED'],
    ),
    fault(
      'a device that says that it has failed',
      ({ unit }, isOn) => {
        unit.registers.exception = isOn ? 4 : undefined;
      },
      ['SENSOR_FAILED'],
      ['SENSOR_FAILED'],
    ),
    fault(
      'noise on the line',
      ({ line }, isOn) => {
        line.trouble = isOn ? 'babble' : undefined;
      },
      ['right'],
      undefined,
    ),
  ],
  hang: {
    begin: ({ unit }) => {
      unit.isDeaf = true;
    },
    end: ({ unit }) => {
      unit.isDeaf = false;
    },
  },
  powerCycle: ({ line }) => line.powerCycle(),
};
