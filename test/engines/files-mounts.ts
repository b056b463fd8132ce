import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { eventually, Program } from '../processes.ts';

/** A folder that another process stands behind, which can be killed and stopped. */
export interface Mount {
  /** Where the files are seen. */
  readonly path: string;
  /** Of the process behind it. */
  pid(): number;
  /** Whatever is left of it goes; then it is there again. */
  remount(): Promise<void>;
  end(): Promise<void>;
}

const SOON_MS = 10_000;

const isMounted = (path: string): boolean => spawnSync('mountpoint', ['-q', path]).status === 0;

/** bindfs on a folder below `place`. */
export async function mountBindfs(place: string): Promise<Mount> {
  const [source, path] = [join(place, 'source'), join(place, 'mount')];
  mkdirSync(source);
  mkdirSync(path);
  let program: Program;
  const start = async (): Promise<void> => {
    program = new Program({ name: 'bindfs', command: 'bindfs', args: ['-f', source, path] });
    await eventually('bindfs is mounted', SOON_MS, () => isMounted(path));
  };
  const clear = (): unknown => spawnSync('umount', ['-l', path]);
  await start();
  return {
    path,
    pid: () => program.pid,
    remount: async () => {
      clear();
      await start();
    },
    end: async () => {
      clear();
      await program.kill();
    },
  };
}

/** A tmpfs of so many bytes, at a new folder of that path. */
export function mountTmpfs(path: string, bytes: number): () => void {
  mkdirSync(path);
  const { status, stderr } = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', path]);
  if (status !== 0) throw new Error(String(stderr));
  return () => void spawnSync('umount', ['-l', path]);
}
