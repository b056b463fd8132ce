/** The far end of every bus: answers each transaction at once, with the moment at which its last byte was there. */
import assert from 'node:assert/strict';
import { parentPort } from 'node:worker_threads';

assert(parentPort !== null, 'is a thread');
const main = parentPort;
main.on('message', (id: number) => main.postMessage([id, process.hrtime.bigint()]));
