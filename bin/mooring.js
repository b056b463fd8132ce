#!/usr/bin/env node
// The command. In a checkout it runs the sources, in an installed package the compiled files.
import { join } from 'node:path';
import process from 'node:process';
import { fail, findNode, isCheckout, ROOT, runAndExit } from './bootstrap.js';

const main = isCheckout ? join(ROOT, 'cli', 'main.ts') : join(ROOT, 'dist', 'cli', 'main.js');
const node = findNode();
if (node === undefined) {
  fail(
    isCheckout
      ? `this checkout is not set up yet; run: npm ci (in ${ROOT})`
      : `needs Node 24 or newer; this is ${process.versions.node}. Install Node 24 LTS and run the same command.`,
  );
} else if (node === process.execPath) {
  process.argv[1] = main;
  await import(main);
} else {
  runAndExit(node, [main, ...process.argv.slice(2)]);
}
