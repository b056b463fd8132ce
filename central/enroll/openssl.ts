import { execFile } from 'node:child_process';
import { MooringError } from '../../runtime/errors.ts';

/** Runs OpenSSL in a folder with these arguments. */
export type Openssl = (args: readonly string[], folder: string) => Promise<void>;

const DEADLINE_MS = 30_000;
/** What it complains of, from the end. */
const SAID_CHARACTERS_MAX = 600;

/** The program `openssl` of this machine, 3.0 or later. Throws `ENROLL_FAILED` where it is not there or does not succeed. */
export const systemOpenssl: Openssl = (args, folder) =>
  new Promise((resolve, reject) => {
    execFile('openssl', [...args], { cwd: folder, timeout: DEADLINE_MS }, (cause, _out, said) => {
      if (cause === null) {
        resolve();
        return;
      }
      const isAbsent = (cause as NodeJS.ErrnoException).code === 'ENOENT';
      const context = { step: args[0], said: said.trim().slice(-SAID_CHARACTERS_MAX) };
      reject(
        isAbsent
          ? new MooringError('ENROLL_FAILED', 'the program `openssl` is not there', {
              hint: 'Install it: sudo apt-get install openssl.',
            })
          : new MooringError('ENROLL_FAILED', 'OpenSSL did not do its part', { context }),
      );
    });
  });
