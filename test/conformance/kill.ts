import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { IntervalSet, type Range } from '../../protocol/intervals.ts';
import { systemClock } from '../../runtime/clock.ts';
import { SeededRandom } from '../../runtime/random.ts';

export interface KillsOptions {
  /** URL of the module that exports the `harness`. */
  readonly moduleUrl: string;
  readonly place: string;
  readonly run: number;
  readonly kills: number;
  readonly seed: number;
}

/** A writer in a process of its own, at a place that others may want too. */
export function startWriter(moduleUrl: string, place: string, run: number, first: number): ChildProcess {
  const path = fileURLToPath(new URL('./writer.ts', import.meta.url));
  return fork(path, [moduleUrl, place, String(run), String(first)], { execArgv: [], stdio: 'inherit' });
}

/** Waits for the end of a writer after SIGKILL. */
export async function kill(writer: ChildProcess): Promise<void> {
  const ended = once(writer, 'exit');
  writer.kill('SIGKILL');
  await ended;
}

/**
 * Writes one run through processes that are killed at moments drawn from the seed; each begins at what the one before
 * had not confirmed. Returns what was confirmed, over all.
 */
export async function writeThroughKills({ moduleUrl, place, run, kills, seed }: KillsOptions): Promise<IntervalSet> {
  const random = new SeededRandom(seed);
  const stored = new IntervalSet();
  for (let count = 0; count < kills; count += 1) {
    const unconfirmed = stored.missing(1, Number.MAX_SAFE_INTEGER)[0]?.[0] as number;
    const writer = startWriter(moduleUrl, place, run, unconfirmed);
    const confirmations = 1 + random.integer(12);
    let confirmed = 0;
    await new Promise<void>((resolve, reject) => {
      writer.on('exit', (code) => reject(new Error(`the writer ended by itself, with ${code}`)));
      writer.on('message', (message: { readonly stored?: Range }) => {
        if (message.stored === undefined) return;
        stored.add(...message.stored);
        confirmed += 1;
        if (confirmed === confirmations) resolve();
      });
    });
    await systemClock.sleep(random.uniform() * 15);
    writer.removeAllListeners('exit');
    await kill(writer);
  }
  return stored;
}
