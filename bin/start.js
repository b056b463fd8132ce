#!/usr/bin/env node
// `npm start` and the other scripts of a checkout: install what is missing, then go on with the right Node.
import { join } from 'node:path';
import process from 'node:process';
import { ensureInstalled, fail, findNode, ROOT, runAndExit } from './bootstrap.js';

ensureInstalled();
const node = findNode() ?? fail('there is no Node 24');
const args = process.argv.slice(2);
const program = args[0] === '--run' ? args.slice(1) : ['cli/main.ts', ...args];
runAndExit(node, [join(ROOT, program[0]), ...program.slice(1)]);
