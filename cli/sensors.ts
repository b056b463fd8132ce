import { busesOf } from '../daemon/buses/buses.ts';
import { gpioOf } from '../daemon/buses/gpio/gpio.ts';
import { thisMachine } from '../daemon/buses/hardware.ts';
import type { Machine } from '../daemon/buses/machine.ts';
import type { GatewayConfig } from '../daemon/config/types.ts';
import { controlPathOf } from '../daemon/ops/control-socket.ts';
import { DRIVERS } from '../drivers/index.ts';
import { MooringError } from '../runtime/errors.ts';
import { silentLog } from '../runtime/log.ts';
import { gatewayConfigOf } from './config-kind.ts';
import { askGateway } from './control.ts';
import type { Host } from './host.ts';
import { hex, snippetOf } from './sensors/snippet.ts';
import { type FoundChip, type FoundPart, type LineNames, type Survey, survey } from './sensors/survey.ts';

export interface SensorsOptions {
  readonly simulate: boolean;
  readonly seed?: number | undefined;
  readonly json: boolean;
}

/**
 * `mooring sensors -c FILE`: what is on the machine's buses and ports, which chips are recognised, and the YAML to paste. While
 * the gateway of this configuration runs no chip is asked anything, as it might be in the middle of a measurement.
 */
export async function runSensors(path: string, options: SensorsOptions, host: Host): Promise<number> {
  const config = gatewayConfigOf(path);
  const { clock, stop, streams } = host;
  const { machine, listLines } = await machineOf(config, options, host);
  const buses = busesOf({ machine, clock, log: silentLog });
  try {
    const mayAsk = options.simulate || !(await isRunning(config, host));
    if (!mayAsk) streams.err.write('mooring: the gateway is running: chips are not asked what they are\n');
    const surveyed = { config, drivers: DRIVERS, machine, buses, listLines, mayAsk, signal: stop };
    const found = await survey(surveyed);
    const yaml = snippetOf(found, DRIVERS);
    streams.out.write(options.json ? `${JSON.stringify({ ...found, yaml })}\n` : textOf(found, yaml));
    return 0;
  } finally {
    await buses.close();
  }
}

interface SurveyedMachine {
  readonly machine: Machine;
  readonly listLines: () => Promise<readonly LineNames[]>;
}

async function machineOf(
  config: GatewayConfig,
  { simulate: isSimulated, seed = 1 }: SensorsOptions,
  { clock }: Host,
): Promise<SurveyedMachine> {
  if (isSimulated) {
    const { simulate } = await import('../sim/pi/simulated-machine.ts');
    const { machine } = simulate(config, { clock, log: silentLog, seed });
    return { machine, listLines: async () => await Promise.resolve(machine.lines.map((name) => [name])) };
  }
  const gpio = gpioOf({ clock, log: silentLog });
  const listLines = async (): Promise<LineNames[]> =>
    (await gpio.listLines()).flatMap(({ label, lines }) =>
      lines.map(({ name, offset }) => [...(name === undefined ? [] : [name]), `${label}/${offset}`]),
    );
  return { machine: thisMachine({ clock, log: silentLog }), listLines };
}

async function isRunning({ store }: GatewayConfig, { clock }: Host): Promise<boolean> {
  try {
    await askGateway(controlPathOf(store.path), 'status', clock);
    return true;
  } catch (error) {
    if (!(error instanceof MooringError)) throw error;
    return error.code !== 'NOT_RUNNING';
  }
}

/** A survey for people, and the YAML to paste where there is some. */
export function textOf(found: Survey, yaml: string): string {
  const sections = [
    ...found.i2c.map(({ bus, chips, error }) =>
      sectionOf(`I²C ${bus}`, error === undefined ? chips.map(chipRow) : [[error]], 'nothing answers'),
    ),
    sectionOf('Serial ports', found.serial.map(partRow), 'none under /dev/serial/by-id'),
    sectionOf('1-Wire', found.one_wire.map(partRow), 'none'),
    sectionOf('GPIO', gpioRows(found.gpio), 'none'),
  ];
  const paste = yaml === '' ? '' : `\n# To paste into a station:\n${yaml}`;
  return `${sections.join('')}${paste}`;
}

function sectionOf(title: string, rows: readonly (readonly string[])[], empty: string): string {
  if (rows.length === 0) return `${title}\n  ${empty}\n`;
  const columns = Math.max(...rows.map((row) => row.length));
  const widths = Array.from({ length: columns }, (_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  const lines = rows.map((row) => `  ${row.map((cell, column) => cell.padEnd(widths[column] as number)).join('  ')}`);
  return `${title}\n${lines.map((line) => `${line.trimEnd()}\n`).join('')}`;
}

function chipRow({ address, mux, answers, recognised, possible, usedBy }: FoundChip): string[] {
  const place = mux === undefined ? hex(address) : `${hex(mux.address)}/${mux.channel} ${hex(address)}`;
  const certain = recognised.join(' or ');
  const perhaps = possible.length === 0 ? '?' : `perhaps ${possible.join(' or ')}`;
  return [place, answers ? certain || perhaps : 'no answer', usedBy ?? 'not in the configuration'];
}

function partRow({ name, usedBy }: FoundPart): string[] {
  return [name, usedBy ?? 'free'];
}

/** Those in use a line each, the free ones on one. */
function gpioRows(lines: readonly FoundPart[]): string[][] {
  const free = lines.filter(({ usedBy }) => usedBy === undefined).map(({ name }) => name);
  const used = lines.flatMap(({ name, usedBy, answers }) =>
    usedBy === undefined ? [] : [[name, usedBy, ...(answers === false ? ['no answer'] : [])]],
  );
  return free.length === 0 ? used : [...used, ['free', free.join(' ')]];
}
