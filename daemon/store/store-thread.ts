import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { MooringError } from '../../runtime/errors.ts';
import {
  type Answer,
  errorOf,
  OPENING,
  type Opening,
  type Question,
  type Request,
  type ThreadOptions,
} from './messages.ts';

interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: MooringError) => void;
}

/** Run from the sources it is TypeScript, run from the package it is not. */
const WORKER = new URL(`./worker${extname(import.meta.url)}`, import.meta.url);

/** The main thread's end of the store's thread. */
export class StoreThread {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  #lastId = OPENING;
  #isClosing = false;
  #died: MooringError | undefined;
  readonly #ended: Promise<void>;
  /** Resolves when the store is open. */
  readonly opened: Promise<Opening>;

  /** `onDied` is called once when the thread ends by itself after it has opened the store. */
  constructor(options: ThreadOptions, onDied: (error: MooringError) => void) {
    this.opened = new Promise((resolve, reject) => {
      this.#waiting.set(OPENING, { resolve: resolve as Waiting['resolve'], reject });
    });
    this.#worker = new Worker(WORKER, { workerData: options, name: 'store', execArgv: [] });
    this.#worker.on('message', (answer: Answer) => this.#answered(answer));
    let cause: unknown;
    this.#worker.on('error', (error) => {
      cause = error;
    });
    this.#ended = new Promise((resolve) => {
      this.#worker.on('exit', () => {
        resolve();
        this.#end(cause, onDied);
      });
    });
  }

  get hasEnded(): boolean {
    return this.#died !== undefined;
  }

  /** Rejects with what the store's thread threw, or with `STORE_FAILED` when it has died. */
  async ask<T>(question: Question, transfer: readonly ArrayBuffer[] = []): Promise<T> {
    return await new Promise((resolve, reject) => {
      if (this.#died !== undefined) {
        reject(this.#died);
        return;
      }
      if (question.ask === 'close') this.#isClosing = true;
      this.#lastId += 1;
      const request: Request = { id: this.#lastId, question };
      this.#waiting.set(request.id, { resolve: resolve as Waiting['resolve'], reject });
      this.#worker.postMessage(request, transfer);
    });
  }

  /** Resolves when the thread is gone. */
  async ended(): Promise<void> {
    await this.#ended;
  }

  #answered(answer: Answer): void {
    const waiting = this.#waiting.get(answer.id);
    this.#waiting.delete(answer.id);
    if ('error' in answer) {
      if (answer.id === OPENING) this.#isClosing = true;
      waiting?.reject(errorOf(answer.error));
    } else waiting?.resolve(answer.value);
  }

  #end(cause: unknown, onDied: (error: MooringError) => void): void {
    const error = new MooringError('STORE_FAILED', "the store's thread has died", { cause, retry: 'never' });
    const wasOpen = !this.#waiting.has(OPENING);
    this.#died = error;
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
    if (wasOpen && !this.#isClosing) onDied(error);
  }
}
