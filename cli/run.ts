import { createWriteStream, type WriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Gateway } from '../daemon/app.ts';
import type { Machine } from '../daemon/buses/machine.ts';
import type { GatewayConfig } from '../daemon/config/types.ts';
import { systemdEnvironmentOf } from '../daemon/ops/systemd.ts';
import { createLog, type Log } from '../runtime/log.ts';
import { gatewayConfigOf } from './config-kind.ts';
import type { Host } from './host.ts';

export interface RunOptions {
  /** Whether the wires of this machine are replaced by simulated ones. */
  readonly simulate: boolean;
  /** Another seed is another world. */
  readonly seed?: number | undefined;
  /** The file for what is true in the simulated world. */
  readonly truth?: string | undefined;
}

/** `mooring run -c FILE`: the gateway, until it is told to stop. Its log goes to standard output. */
export async function runGateway(path: string, options: RunOptions, host: Host): Promise<number> {
  const { clock, random, version, env, pid, stop } = host;
  const config = gatewayConfigOf(path);
  const log = createLog(config.logLevel);
  const machine = options.simulate ? { machine: await simulatedMachine(config, options, { clock, log }) } : {};
  const systemd = systemdEnvironmentOf(env, pid);
  const gateway = new Gateway(config, { clock, random, log, version, systemd, ...machine });
  await gateway.run(stop);
  return 0;
}

/** Everything above the wires is as ever: what it measures goes into the store of this configuration, and to its centre. */
async function simulatedMachine(
  config: GatewayConfig,
  { seed = 1, truth: path }: RunOptions,
  { clock, log }: { readonly clock: Host['clock']; readonly log: Log },
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
