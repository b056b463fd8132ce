import { Centre } from '../central/app.ts';
import type { CentralConfig } from '../central/config/types.ts';
import { aborted } from '../runtime/aborted.ts';
import { MooringError } from '../runtime/errors.ts';
import { createLog } from '../runtime/log.ts';
import { centralConfigOf } from './config-kind.ts';
import type { Host } from './host.ts';

export interface CentralOptions {
  /** Sinks that may go on where Kafka has not kept what they were to read next. */
  readonly resume: readonly string[];
}

/**
 * `mooring central -c FILE`: the centre, until it is told to stop. Its log goes to standard output. Rejects with what the
 * centre cannot go on for.
 */
export async function runCentral(
  path: string,
  options: CentralOptions,
  { clock, random, stop }: Host,
): Promise<number> {
  const config = centralConfigOf(path);
  const resume = resumable(config, options);
  const centre = new Centre(config, { clock, random, log: createLog(config.logLevel), resume });
  try {
    await centre.start(stop);
    await aborted(AbortSignal.any([stop, centre.failed]));
    centre.failed.throwIfAborted();
  } catch (error) {
    // Told to stop while it still waited for the folder of another copy: that is no failure.
    if (!stop.aborted || centre.failed.aborted) throw error;
  } finally {
    await centre.stop();
  }
  return 0;
}

function resumable({ file, kafka, sinks }: CentralConfig, { resume }: CentralOptions): readonly string[] {
  const fed = kafka === undefined ? [] : sinks.map(({ name }) => name);
  const unknown = resume.find((name) => !fed.includes(name));
  if (unknown === undefined) return resume;
  throw new MooringError('CONFIG_INVALID', '--resume names no sink that Kafka feeds', {
    context: { sink: unknown, config: file },
    hint: fed.length === 0 ? 'It feeds none here.' : `It feeds ${fed.join(', ')}.`,
  });
}
