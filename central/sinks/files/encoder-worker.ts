/** The other end of `EncoderThread`: texts of lines come in, each is answered with nothing; at the end the file goes out. */
import assert from 'node:assert/strict';
import { parentPort } from 'node:worker_threads';
import { OwnThreadEncoder } from './lines-encoder.ts';

const port = parentPort;
assert(port !== null, 'runs as a thread');
const encoder = new OwnThreadEncoder();
const NOTHING = new Uint8Array();

port.on('message', async (text: Uint8Array | undefined) => {
  if (text === undefined) {
    port.postMessage(await encoder.finish());
    return;
  }
  await encoder.add(text);
  port.postMessage(NOTHING);
});
