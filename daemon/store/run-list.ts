import { closeSync, fstatSync, fsyncSync, openSync, readSync, writeSync } from 'node:fs';
import { fileError } from './connection.ts';
import { type StoredRunRow, saltText } from './run-table.ts';

/** Where the runs of a store are listed, so that the rows of a damaged one can still be named. */
export function runListPath(storePath: string): string {
  return `${storePath}.runs`;
}

/**
 * Appends `<number> <gateway> <salt in hex>` to the list, durably. To be called before the run's first record; the caller
 * makes the file's name durable. Throws `STORE_FAILED` or `STORE_FULL`.
 */
export function listRun(storePath: string, { number, gateway, salt }: StoredRunRow): void {
  const path = runListPath(storePath);
  try {
    const descriptor = openSync(path, 'a+', 0o640);
    try {
      // A line that a crash cut short must not take this one with it.
      const newline = endsWithLine(descriptor) ? '' : '\n';
      writeSync(descriptor, `${newline}${number} ${gateway} ${saltText(salt)}\n`);
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
  } catch (cause) {
    throw fileError(path, 'the list of runs cannot be written', cause);
  }
}

function endsWithLine(descriptor: number): boolean {
  const { size } = fstatSync(descriptor);
  const last = Buffer.alloc(1);
  return size === 0 || (readSync(descriptor, last, 0, 1, size - 1) === 1 && last[0] === 0x0a);
}
