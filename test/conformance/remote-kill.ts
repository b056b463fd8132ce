import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export { kill } from './kill.ts';

export interface RemoteWriter {
  readonly process: ChildProcess;
  /** Resolves with the last sequence that is confirmed when it is as far as that; rejects where the process ends before. */
  confirmedAtLeast(sequence: number): Promise<number>;
}

/** A writer of run 6 in a process of its own. */
export function startRemoteWriter(moduleUrl: string, place: string, first: number): RemoteWriter {
  const writer = fork(
    fileURLToPath(new URL('./remote-writer.ts', import.meta.url)),
    [moduleUrl, place, String(first)],
    {
      execArgv: [],
      stdio: 'inherit',
    },
  );
  let confirmed = first - 1;
  writer.on('message', (sequence) => {
    confirmed = sequence as number;
  });
  return {
    process: writer,
    confirmedAtLeast: async (sequence) => {
      while (confirmed < sequence) {
        await new Promise<void>((resolve, reject) => {
          const ended = (code: number | null): void => reject(new Error(`the writer ended by itself, with ${code}`));
          writer.once('exit', ended);
          writer.once('message', () => {
            writer.off('exit', ended);
            resolve();
          });
        });
      }
      return confirmed;
    },
  };
}
