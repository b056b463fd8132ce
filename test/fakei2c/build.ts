/** What the tests of real I²C need compiled: got once, kept outside the tree, so that installing anew does not undo it. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { inCache } from '../cache-folder.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const SOURCE = join(import.meta.dirname, 'fakei2c.c');
const BUILD_MS = 120_000;

/** The preload library that plays /dev/i2c-N (`fakei2c.c`). Throws with what the compiler said. */
export function fakeI2cLibrary(): string {
  const source = readFileSync(SOURCE);
  const id = createHash('sha256').update(source).digest('hex').slice(0, 8);
  const folder = inCache(`fakei2c-${id}-${process.arch}`, (into) => {
    run(into, 'gcc', ['-shared', '-fPIC', '-O2', '-Wall', '-Wextra', '-Werror', '-o', 'fakei2c.so', SOURCE, '-ldl']);
  });
  return join(folder, 'fakei2c.so');
}

/**
 * Where an `i2c-bus` that works with this Node can be imported from. npm compiled the tree's for the Node that npm itself
 * ran on, which may be another. The versions are the lock file's; the headers come with Node's own package.
 */
export function i2cBusModule(): string {
  const { node } = process.versions;
  const [i2cBus, nan] = ['i2c-bus', 'nan'].map((name) => `${name}@${lockedVersion(name)}`) as [string, string];
  const folder = inCache(`${i2cBus}-node-${node}-${process.arch}`, (into) => {
    const headers = `node-${process.platform}-${process.arch}`;
    writeFileSync(join(into, 'package.json'), '{}');
    run(into, 'npm', [...NPM, '--prefix', into, i2cBus, nan, `${headers}@${node}`]);
    const at = (...path: string[]): string => join(into, 'node_modules', ...path);
    mkdirSync(at('i2c-bus', 'build', 'Release'), { recursive: true });
    run(into, 'g++', [
      ...CXX,
      ...[`-I${at(headers, 'include', 'node')}`, `-I${at('nan')}`],
      ...['-o', at('i2c-bus', 'build', 'Release', 'i2c.node'), at('i2c-bus', 'src', 'i2c.cc')],
    ]);
    rmSync(at(headers), { recursive: true });
  });
  return pathToFileURL(join(folder, 'node_modules', 'i2c-bus', 'i2c-bus.js')).href;
}

/** Nothing is compiled by npm: its node-gyp would fetch headers from elsewhere. */
const NPM = ['install', '--no-save', '--no-package-lock', '--ignore-scripts', '--prefer-offline', '--no-audit'];
/** As node-gyp does, less its optimisation, which takes longer than all the rest. */
const CXX = [
  '-shared',
  '-fPIC',
  '-O1',
  '-std=gnu++20',
  '-w',
  '-DNODE_GYP_MODULE_NAME=i2c',
  '-DBUILDING_NODE_EXTENSION',
];

function lockedVersion(name: string): string {
  const { packages } = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as {
    readonly packages: Readonly<Record<string, { readonly version: string }>>;
  };
  const { version } = packages[`node_modules/${name}`] ?? {};
  if (version === undefined) throw new Error(`package-lock.json has no ${name}`);
  return version;
}

function run(cwd: string, command: string, args: readonly string[]): void {
  const { error, status, stdout, stderr } = spawnSync(command, args, { cwd, encoding: 'utf8', timeout: BUILD_MS });
  if (status !== 0) throw new Error(error?.message ?? `${command} ended with ${status}:\n${stdout}${stderr}`);
}
