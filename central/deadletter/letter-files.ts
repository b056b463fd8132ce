import { createReadStream } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { MooringError } from '../../runtime/errors.ts';

/**
 * Calls `onLine` for each whole line of the files of refused records, oldest file first, with `FILE:LINE`. Nothing where
 * there is no such folder. Rejects with `STATE_FAILED` where it cannot be read.
 */
export async function readLetterFiles(folder: string, onLine: (id: string, line: string) => void): Promise<void> {
  try {
    for (const name of await namesIn(folder)) {
      let number = 0;
      const lines = createInterface({ input: createReadStream(join(folder, name)), crlfDelay: 0 });
      for await (const line of lines) {
        number += 1;
        if (line !== '') onLine(`${name}:${number}`, line);
      }
    }
  } catch (cause) {
    throw new MooringError('STATE_FAILED', 'the dead letter cannot be read', { cause, context: { folder } });
  }
}

async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return (await readdir(folder)).filter((name) => name.endsWith('.ndjson')).sort();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
