import { SimulatedSerialLine } from '../serial-line.ts';
import { RegisterBank, type RegisterKind } from '../talkers/modbus-registers.ts';
import { ModbusRtuUnits, type ModbusUnit } from '../talkers/modbus-rtu.ts';
import { ModbusTcpServer } from '../talkers/modbus-tcp.ts';
import { groupedBy, optionsOf, type Site } from './site.ts';

interface RegisterOptions {
  readonly metric: string;
  readonly register: number;
  readonly kind: RegisterKind;
  readonly type: 'int16' | 'uint16' | 'int32' | 'uint32' | 'float32';
  readonly order: 'abcd' | 'badc' | 'cdab' | 'dcba';
  readonly scale: number;
  readonly offset: number;
}

interface ModbusOptions {
  readonly rtu?: { readonly port: string; readonly baud: number };
  readonly tcp?: { readonly host: string; readonly port: number };
  readonly unit: number;
  readonly registers: readonly RegisterOptions[];
}

/** Devices by line or server: those of one have it in common, each under its unit. */
export function attachModbus(sites: readonly Site[]): void {
  for (const group of groupedBy(sites, lineOf)) {
    const [first] = group;
    if (first === undefined) continue;
    const { machine, clock } = first;
    const { rtu, tcp } = optionsOf<ModbusOptions>(first);
    const units = unitsOf(group);
    if (rtu !== undefined) {
      machine.attachSerial(rtu.port, new SimulatedSerialLine(new ModbusRtuUnits({ clock, units }), { baud: rtu.baud }));
    }
    if (tcp !== undefined) machine.attachServer(tcp.host, tcp.port, new ModbusTcpServer({ clock, units }));
  }
}

function lineOf(site: Site): string {
  const { rtu, tcp } = optionsOf<ModbusOptions>(site);
  return rtu?.port ?? `${tcp?.host}:${tcp?.port}`;
}

function unitsOf(sites: readonly Site[]): Record<number, ModbusUnit> {
  const units: Record<number, ModbusUnit> = {};
  for (const site of sites) {
    const { unit, registers } = optionsOf<ModbusOptions>(site);
    units[unit] ??= { registers: new RegisterBank() };
    for (const each of registers) units[unit].registers.put(each.kind, each.register, () => wordsOf(each, site));
  }
  return units;
}

/** A value as the device lays it into its registers. */
function wordsOf({ metric, type, order, scale, offset }: RegisterOptions, { surroundings }: Site): number[] {
  const number = (surroundings.truth(metric) - offset) / scale;
  const bytes = bytesOf(type, number);
  if (order === 'badc' || order === 'dcba') bytes.swap16();
  const words = Array.from({ length: bytes.length / 2 }, (_, index) => bytes.readUInt16BE(2 * index));
  return order === 'cdab' || order === 'dcba' ? words.reverse() : words;
}

function bytesOf(type: RegisterOptions['type'], number: number): Buffer {
  const bytes = Buffer.alloc(type.endsWith('16') ? 2 : 4);
  if (type === 'float32') bytes.writeFloatBE(number);
  else {
    const [lowest, highest] = type.startsWith('u') ? [0, 2 ** (8 * bytes.length) - 1] : halves(8 * bytes.length);
    const whole = Math.min(highest, Math.max(lowest, Math.round(number)));
    bytes.writeUIntBE(whole < 0 ? whole + 2 ** (8 * bytes.length) : whole, 0, bytes.length);
  }
  return bytes;
}

function halves(bits: number): readonly [number, number] {
  return [-(2 ** (bits - 1)), 2 ** (bits - 1) - 1];
}
