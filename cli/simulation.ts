import { createWriteStream, type WriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Machine } from '../daemon/buses/machine.ts';
import type { GatewayConfig } from '../daemon/config/types.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Log } from '../runtime/log.ts';

export interface SimulationOptions {
  /** Another seed is another world. */
  readonly seed?: number | undefined;
  /** The file for what is true in the simulated world. */
  readonly truth?: string | undefined;
}

/** Everything above the wires is as ever: what it measures goes into the store of this configuration, and to its centre. */
export async function simulatedMachine(
  config: GatewayConfig,
  { seed = 1, truth: path }: SimulationOptions,
  { clock, log }: { readonly clock: Clock; readonly log: Log },
): Promise<Machine> {
  const { simulate } = await import('../sim/pi/simulated-machine.ts');
  log.warn({ seed, ...(path === undefined ? {} : { truth: path }) }, 'the hardware is simulated: no value is real');
  if (path === undefined) return simulate(config, { clock, log, seed }).machine;
  const truth = await truthFile(path, log);
  const { machine } = simulate(config, { clock, log, seed, truth });
  machine.onClose(async () => await new Promise<void>((resolve) => truth.end(() => resolve())));
  return machine;
}

/** A disk that is full ends the witness, not the gateway. */
async function truthFile(path: string, log: Log): Promise<WriteStream> {
  await mkdir(dirname(path), { recursive: true });
  const file = createWriteStream(path);
  file.on('error', (err) => log.error({ err, path }, 'the truth file cannot be written'));
  return file;
}
