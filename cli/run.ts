import { Gateway } from '../daemon/app.ts';
import { systemdEnvironmentOf } from '../daemon/ops/systemd.ts';
import { createLog } from '../runtime/log.ts';
import { gatewayConfigOf } from './config-kind.ts';
import type { Host } from './host.ts';
import { type SimulationOptions, simulatedMachine } from './simulation.ts';

export interface RunOptions extends SimulationOptions {
  /** Whether the wires of this machine are replaced by simulated ones. */
  readonly simulate: boolean;
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
