import { copyFileSync, mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { runTool } from '../test/processes.ts';

const ROOT = new URL('..', import.meta.url).pathname;

/**
 * Compiles the command as the package has it, into a folder of its own. Returns the path of its main module. From its
 * sources a process also holds the compiler that strips their types.
 */
export async function compileInto(folder: string): Promise<string> {
  mkdirSync(folder, { recursive: true });
  copyFileSync(join(ROOT, 'package.json'), join(folder, 'package.json'));
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  const tsc = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
  await runTool(process.execPath, [tsc, '-p', join(ROOT, 'tsconfig.build.json'), '--outDir', join(folder, 'dist')]);
  return join(folder, 'dist', 'cli', 'main.js');
}
