import { Gateway } from '../daemon/app.ts';
import { systemdEnvironmentOf } from '../daemon/ops/systemd.ts';
import { createLog } from '../runtime/log.ts';
import { gatewayConfigOf } from './config-kind.ts';
import type { Host } from './host.ts';

/** `mooring run -c FILE`: the gateway, until it is told to stop. Its log goes to standard output. */
export async function runGateway(path: string, { clock, random, version, env, pid, stop }: Host): Promise<number> {
  const config = gatewayConfigOf(path);
  const log = createLog(config.logLevel);
  const gateway = new Gateway(config, { clock, random, log, version, systemd: systemdEnvironmentOf(env, pid) });
  await gateway.run(stop);
  return 0;
}
