/**
 * The guard: a process of its own that holds every output line, so that a daemon that is killed or stopped leaves nothing
 * switched on. It lives as long as its standard input is open, whatever signals come: Ctrl-C, systemd and its watchdog send
 * theirs to it too.
 */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { systemClock } from '../../../runtime/clock.ts';
import { GpiodHolder } from './gpiod-holder.ts';
import type { WordFromGuard, WordToGuard } from './guard-words.ts';
import { LineGuard } from './line-guard.ts';
import { SysfsHolder } from './sysfs-holder.ts';

for (const signal of ['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGABRT', 'SIGTERM'] as const) {
  process.on(signal, () => undefined);
}
// A daemon that is gone hears nothing; that it is gone is told by the other pipe.
process.stdout.on('error', () => undefined);

const guard = new LineGuard({
  clock: systemClock,
  holderOf: (line, found, safe, onLost) =>
    found.by === 'gpiod'
      ? new GpiodHolder({ spawn, clock: systemClock }, line, found, safe, onLost)
      : new SysfsHolder(spawn, line, found, safe, onLost),
  tell: (word: WordFromGuard) => process.stdout.write(`${JSON.stringify(word)}\n`),
});

const words = createInterface({ input: process.stdin });
words.on('line', (text) => {
  // A daemon that was killed in the middle of a word: the end of the pipe comes next.
  if (text.endsWith('}')) guard.hear(JSON.parse(text) as WordToGuard);
});
words.on('close', () => void guard.end());
