import type { Clock } from '../../../runtime/clock.ts';
import type { Command, Spawn } from './tether.ts';

/** What a program said before it ended. */
export interface ProgramEnd {
  readonly ok: boolean;
  readonly stdout: string;
  readonly stderr: string;
}

/** A tool of libgpiod answers within milliseconds; one on a machine that is very busy, within this. */
const DEADLINE_MS = 15_000;

/** Runs a short program to its end. Rejects with ENOENT or EACCES where there is none; one that hangs is killed, and not `ok`. */
export async function runProgram(spawn: Spawn, clock: Clock, [program, ...args]: Command): Promise<ProgramEnd> {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const cancel = clock.after(DEADLINE_MS, () => {
    stderr += `${program} did not end`;
    child.kill('SIGKILL');
  });
  try {
    return await new Promise((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (code) => resolve({ ok: code === 0, stdout, stderr }));
    });
  } finally {
    cancel();
  }
}
