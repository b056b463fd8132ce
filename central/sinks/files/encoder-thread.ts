import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { MooringError } from '../../../runtime/errors.ts';
import type { LinesEncoder } from './lines-encoder.ts';

/** Run from the sources it is TypeScript, run from the package it is not. */
const WORKER = new URL(`./encoder-worker${extname(import.meta.url)}`, import.meta.url);

interface Waiting {
  readonly resolve: (answer: Uint8Array) => void;
  readonly reject: (error: Error) => void;
}

/** In a thread of its own, so that an hour of many rows holds up nothing else. Rejects with `SINK_FAILED` where the thread dies. */
export class EncoderThread implements LinesEncoder {
  readonly #worker = new Worker(WORKER, { name: 'parquet', execArgv: [] });
  #waiting: Waiting | undefined;
  #died: MooringError | undefined;

  constructor() {
    this.#worker.on('message', (answer: Uint8Array) => this.#take()?.resolve(answer));
    this.#worker.on('error', (cause) => this.#die(cause));
    this.#worker.on('exit', () => this.#die());
  }

  async add(text: Uint8Array): Promise<void> {
    await this.#ask(text);
  }

  finish(): Promise<Uint8Array> {
    return this.#ask(undefined);
  }

  async end(): Promise<void> {
    await this.#worker.terminate();
  }

  #ask(question: Uint8Array | undefined): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      if (this.#died !== undefined) {
        reject(this.#died);
        return;
      }
      this.#waiting = { resolve, reject };
      this.#worker.postMessage(question);
    });
  }

  #die(cause?: unknown): void {
    this.#died ??= new MooringError('SINK_FAILED', 'the thread that makes Parquet has died', { cause });
    this.#take()?.reject(this.#died);
  }

  #take(): Waiting | undefined {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    return waiting;
  }
}
