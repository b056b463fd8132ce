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
  let wake: (error?: Error) => void = () => undefined;
  writer.on('message', (sequence) => {
    confirmed = sequence as number;
    wake();
  });
  writer.on('exit', (code) => wake(new Error(`the writer ended by itself, with ${code}`)));
  return {
    process: writer,
    confirmedAtLeast: async (sequence) => {
      while (confirmed < sequence) {
        await new Promise<void>((resolve, reject) => {
          wake = (error) => (error === undefined ? resolve() : reject(error));
        });
      }
      wake = () => undefined;
      return confirmed;
    },
  };
}
