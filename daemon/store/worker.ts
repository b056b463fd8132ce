/**
 * The store's thread: does what it is asked, one after the other, and waits for the disk so that nobody else has to. A bug
 * in it ends the thread, and with it the process.
 */
import assert from 'node:assert/strict';
import { parentPort, type TransferListItem, workerData } from 'node:worker_threads';
import { MooringError } from '../../runtime/errors.ts';
import {
  type Answer,
  messageOf,
  OPENING,
  type Opening,
  type Question,
  type Request,
  type ThreadOptions,
} from './messages.ts';
import { StoreFile } from './store-file.ts';

assert(parentPort !== null, 'run as a worker thread');
const port = parentPort;

function answer(id: number, work: () => { readonly value: unknown; readonly transfer?: TransferListItem[] }): void {
  let reply: Answer;
  let transfer: TransferListItem[] = [];
  try {
    const { value, transfer: list = [] } = work();
    reply = { id, value };
    transfer = list;
  } catch (error) {
    if (!(error instanceof MooringError)) throw error;
    reply = { id, error: messageOf(error) };
  }
  port.postMessage(reply, transfer);
}

function ask(
  store: StoreFile,
  question: Question,
): { readonly value: unknown; readonly transfer?: TransferListItem[] } {
  switch (question.ask) {
    case 'commit':
      return { value: store.commit(question.group) };
    case 'take': {
      const taken = store.take(question.forwarder, question.lane, question.limits, question.nowMs);
      return { value: taken, transfer: taken === undefined ? [] : [taken.bodies.buffer] };
    }
    case 'release':
      return { value: store.release(question.forwarder, question.salt, question.ranges) };
    case 'hold':
      return { value: store.hold(question.forwarder, question.salt, question.ranges) };
    case 'stats':
      return { value: store.stats() };
    case 'close':
      return { value: store.close() };
  }
}

answer(OPENING, () => {
  const store = new StoreFile(workerData as ThreadOptions);
  const opening: Opening = { previous: store.previous, bytes: store.stats().bytes };
  port.on('message', ({ id, question }: Request) => {
    answer(id, () => ask(store, question));
    if (question.ask === 'close') port.close();
  });
  return { value: opening };
});
