import { Centre } from '../central/app.ts';
import { aborted } from '../runtime/aborted.ts';
import { createLog } from '../runtime/log.ts';
import { centralConfigOf } from './config-kind.ts';
import type { Host } from './host.ts';

/** `mooring central -c FILE`: the centre, until it is told to stop. Its log goes to standard output. */
export async function runCentral(path: string, { clock, random, stop }: Host): Promise<number> {
  const config = centralConfigOf(path);
  const centre = new Centre(config, { clock, random, log: createLog(config.logLevel) });
  try {
    await centre.start(stop);
    await aborted(stop);
  } catch (error) {
    // Told to stop while it still waited for the folder of another copy: that is no failure.
    if (!stop.aborted) throw error;
  } finally {
    await centre.stop();
  }
  return 0;
}
