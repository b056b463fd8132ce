import type { ChildProcess, SpawnOptions } from 'node:child_process';
import type { Writable } from 'node:stream';

/** Starts a program. `spawn` of `node:child_process` satisfies it. */
export type Spawn = (program: string, args: readonly string[], options: SpawnOptions) => ChildProcess;

/** A program with its arguments. */
export type Command = readonly [program: string, ...args: string[]];

/** How often the last words are tried: the line is free a moment after the program that had it was killed. */
const TRIES_MAX = 200;

/**
 * Runs a program that does not outlive this process, not even when this process is killed with SIGKILL: a shell in its shadow
 * reads our end of a pipe, and when that ends without a word it kills the program and runs `lastWords`. gpioset and gpiomon
 * would go on for ever, and keep their line. The program's own process id is the child's, its exit is the child's; signals
 * that a terminal or systemd sends to everybody do not reach it. End it with `cut`, never by closing its pipe alone.
 */
export function tether(
  spawn: Spawn,
  program: Command,
  lastWords?: Command,
  stdout: 'pipe' | 'ignore' = 'ignore',
): ChildProcess {
  const words = lastWords === undefined ? '' : untilDone(lastWords);
  const script = `${DEAF}{ read -r _ <&3 && exit\nkill -9 $$\n${words}} >/dev/null 2>&1 &\nexec "$@" <&3 3<&-`;
  return spawn('sh', ['-c', script, 'sh', ...program], { stdio: ['ignore', stdout, 'pipe', 'pipe'], detached: true });
}

/** Last words alone: they are run when this process is gone and has not `cut` before. */
export function will(spawn: Spawn, lastWords: Command): ChildProcess {
  const script = `${DEAF}read -r _ <&3 && exit\n${untilDone(lastWords)}`;
  return spawn('sh', ['-c', script], { stdio: ['ignore', 'ignore', 'ignore', 'pipe'], detached: true });
}

/** Ends what `tether` or `will` has started, without last words. */
export function cut(child: ChildProcess): void {
  child.kill('SIGKILL');
  dismiss(child);
}

/** Tells the shell in the shadow of a program that has ended that nothing is left to be done. */
export function dismiss(child: ChildProcess): void {
  pipeOf(child)?.end('\n');
}

/** Lets the shell in the shadow of a program say the last words, as if this process were gone. */
export function abandon(child: ChildProcess): void {
  pipeOf(child)?.end();
}

/** Not standard input: Node closes that as soon as the program has ended. None where the system had no descriptor left for it. */
function pipeOf(child: Partial<Pick<ChildProcess, 'stdio'>>): Writable | undefined {
  const pipe = (child.stdio?.[3] ?? undefined) as Writable | undefined;
  // The shell may be gone already, and nobody reads what it is told.
  pipe?.on('error', () => undefined);
  return pipe;
}

/**
 * A Ctrl-C, a `systemctl stop` and the SIGABRT of systemd's watchdog reach the whole group of processes: the daemon decides, or
 * is gone, and the others live by their pipe.
 */
const DEAF = "trap '' HUP INT QUIT ABRT TERM\n";

function untilDone(command: Command): string {
  const words = command.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ');
  return `tries=0\nuntil ${words} </dev/null || [ $((tries += 1)) -ge ${TRIES_MAX} ]; do :; done\n`;
}
