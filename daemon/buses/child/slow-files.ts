import { extname } from 'node:path';
import type { Clock } from '../../../runtime/clock.ts';
import { Turns } from '../turns.ts';
import { ChildProcessCalls } from './calls.ts';

/** Run from the sources it is TypeScript, run from the package it is not. */
const PROGRAM = new URL(`./file-process${extname(import.meta.url)}`, import.meta.url);

export interface FileQuestion {
  readonly ask: 'read' | 'list';
  readonly path: string;
}

/**
 * Files of the kernel that take as long as the hardware behind them, or for ever (1-Wire: 750 ms each), read one at a time
 * in a process of their own: a few of them in the daemon would hold all threads of its pool. Starts the process with the
 * first read, and again after it has died.
 */
export class SlowFiles {
  readonly #calls: ChildProcessCalls;
  readonly #turns = new Turns();
  readonly #ending = new AbortController();

  constructor(clock: Clock) {
    this.#calls = new ChildProcessCalls({ program: PROGRAM, clock });
  }

  /** Whole text of a file. Throws Node's errors: ENOENT, EIO, …; ECHILD where the process ends before it has answered. */
  async read(path: string): Promise<string> {
    return await this.#ask<string>({ ask: 'read', path });
  }

  /** Names in a folder, in order. Throws as `read` does. */
  async list(path: string): Promise<string[]> {
    return await this.#ask<string[]>({ ask: 'list', path });
  }

  /** Ends the process, also in the middle of a read; what waits fails with ECHILD. Never rejects. */
  async close(): Promise<void> {
    this.#ending.abort(Object.assign(new Error('the slow files are closed'), { code: 'ECHILD' }));
    await this.#calls.end();
  }

  async #ask<Answer>(question: FileQuestion): Promise<Answer> {
    await this.#turns.take(this.#ending.signal);
    try {
      this.#ending.signal.throwIfAborted();
      this.#calls.start();
      return await this.#calls.call<Answer>(question);
    } finally {
      this.#turns.pass();
    }
  }
}
