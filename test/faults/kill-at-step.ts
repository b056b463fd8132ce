/**
 * To be imported before a program: ends it with SIGKILL before its change number MOORING_KILL_AT, from 0 on: a file that is put in
 * its place or taken away, or a program that it starts. It patches Node's own modules, as no product code has a place for its
 * own end.
 */
import childProcess from 'node:child_process';
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import process from 'node:process';

let left = Number(process.env.MOORING_KILL_AT);
const changes = [
  { of: fs, names: ['renameSync', 'rmSync'] },
  { of: childProcess, names: ['execFile'] },
];
for (const { of, names } of changes) {
  const calls = of as unknown as Record<string, (...args: unknown[]) => unknown>;
  for (const name of names) {
    const real = calls[name] as (...args: unknown[]) => unknown;
    calls[name] = (...args) => {
      if (left === 0) process.kill(process.pid, 'SIGKILL');
      left -= 1;
      return real(...args);
    };
  }
}
syncBuiltinESMExports();
