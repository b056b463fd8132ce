import { spawnSync } from 'node:child_process';
import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { inCache } from '../cache-folder.ts';

const VERSION = '1.4.1';
/** What is not needed of object stores and of metadata engines; SQLite and the folder of files stay. */
const WITHOUT =
  'nocos,nobos,nohdfs,noibmcos,noobs,nooss,noqingstor,nosftp,noswift,noazure,nogs,noufile,nob2,nonfs,nodragonfly,nomysql,nopg,notikv,nobadger,noetcd,nocifs,nostorj,noqiniu,notos,noks3';
/** Eight and a half minutes of a processor, and much longer where it is shared. */
export const BUILD_MS = 3_600_000;

/**
 * The program, built from the source that the Go module proxy has where it is not in the cache. The module is the main one,
 * as its own `replace` lines hold only then. Throws with what `go` said.
 */
export function juicefsProgram(): string {
  const folder = inCache(`juicefs-${VERSION}`, (into) => {
    const described = go(into, ['mod', 'download', '-json', `github.com/juicedata/juicefs@v${VERSION}`]);
    const { Dir } = JSON.parse(described) as { readonly Dir: string };
    const source = join(into, 'source');
    cpSync(Dir, source, { recursive: true });
    spawnSync('chmod', ['-R', 'u+w', source]);
    go(source, ['build', '-trimpath', '-tags', WITHOUT, '-ldflags=-s -w', '-o', join(into, 'juicefs'), '.']);
    rmSync(source, { recursive: true });
  });
  return join(folder, 'juicefs');
}

function go(cwd: string, args: readonly string[]): string {
  const env = { ...process.env, CGO_ENABLED: '1', GOTOOLCHAIN: 'local' };
  const { error, status, stdout, stderr } = spawnSync('go', args, { cwd, env, encoding: 'utf8', timeout: BUILD_MS });
  if (status !== 0) throw new Error(error?.message ?? `go ${args[0]} ended with ${status}:\n${stdout}${stderr}`);
  return stdout;
}
