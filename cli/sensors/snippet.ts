import type { AnyDriver } from '../../drivers/driver.ts';
import { shapeOf } from '../../runtime/config/schema-tree.ts';
import type { FoundChip, FoundPart, Survey } from './survey.ts';

/** The sensors of a survey as YAML for a configuration: what is not certain is a comment. */
export function snippetOf({ i2c, serial, one_wire }: Survey, drivers: readonly AnyDriver[]): string {
  const speaking = drivers.filter(({ options }) => Object.hasOwn(shapeOf(options) ?? {}, 'port'));
  const lines = [
    ...i2c.flatMap(({ chips }) => chips.filter(({ answers }) => answers).flatMap((chip) => chipLines(chip, drivers))),
    ...serial.map((port) => partLine(port, 'port', speaking)),
    ...one_wire.map((device) => partLine(device, 'device', [])),
  ];
  return lines.length === 0 ? '' : `sensors:\n${lines.map((line) => `  ${line}\n`).join('')}`;
}

function chipLines(chip: FoundChip, drivers: readonly AnyDriver[]): string[] {
  const isCertain = chip.recognised.length === 1;
  const names = chip.recognised.length > 0 ? chip.recognised : chip.possible;
  return names.map((name) => {
    const keys = { bus: chip.bus, address: chip.address };
    const missing = missingKeys(drivers.find((driver) => driver.name === name)?.options, keys);
    const notes = [
      ...(chip.usedBy === undefined ? [] : [`in use: ${chip.usedBy}`]),
      ...(missing.length === 0 ? [] : [`add ${missing.join(', ')}`]),
    ];
    const mux =
      chip.mux === undefined ? '' : `, mux: { address: ${hex(chip.mux.address)}, channel: ${chip.mux.channel} }`;
    const entry = `- { driver: ${name}, bus: ${chip.bus}, address: ${hex(chip.address)}${mux} }`;
    const isOurs = isCertain || chip.usedBy?.endsWith(`: ${name}`) === true;
    return `${isOurs ? '' : '# '}${entry}${notes.length === 0 ? '' : `  # ${notes.join('; ')}`}`;
  });
}

function partLine({ name, usedBy }: FoundPart, key: 'port' | 'device', drivers: readonly AnyDriver[]): string {
  const isTherm = key === 'device' && /^(28|22)-/.test(name);
  const driver = usedBy?.split(': ')[1] ?? (isTherm ? 'ds18b20' : '?');
  const entry = `- { driver: ${driver}, ${key}: ${name} }`;
  if (usedBy !== undefined) return `${entry}  # in use: ${usedBy}`;
  if (isTherm) return entry;
  return `# ${entry}  # one of ${drivers.map((each) => each.name).join(', ')}`;
}

/** Keys that the driver wants beside those that a scan knows. */
function missingKeys(options: AnyDriver['options'] | undefined, known: object): string[] {
  const result = options?.safeParse(known);
  return result?.success === false ? [...new Set(result.error.issues.map(({ path }) => String(path[0])))] : [];
}

export function hex(address: number): string {
  return `0x${address.toString(16).padStart(2, '0')}`;
}
