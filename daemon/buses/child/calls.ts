import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Clock } from '../../../runtime/clock.ts';
import { type Reply, systemError } from './messages.ts';

/** It holds a few small objects at a time: V8 shall not take more for the sake of speed. */
const EXEC_ARGUMENTS = ['--max-old-space-size=16', '--max-semi-space-size=1'];
/** A killed process that is in the middle of a call ends when the kernel lets go of it; nobody waits for that. */
const END_MS = 1_000;

export interface ChildOptions {
  /** The child's program: a module that calls `serve`. */
  readonly program: URL;
  readonly clock: Clock;
}

interface Waiting {
  readonly resolve: (answer: never) => void;
  readonly reject: (error: Error) => void;
}

/**
 * The daemon's end of a child process for calls that may never come back: such a call in the daemon itself would hold a
 * thread of its pool, on which DNS and files wait too, and its end.
 */
export class ChildProcessCalls {
  readonly #program: string;
  readonly #clock: Clock;
  #child: ChildProcess | undefined;
  #waiting: Waiting | undefined;

  constructor({ program, clock }: ChildOptions) {
    this.#program = fileURLToPath(program);
    this.#clock = clock;
  }

  get isRunning(): boolean {
    return this.#child !== undefined;
  }

  /** Of the child, where it runs. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Starts the child where it does not run. What cannot be started fails its first call. */
  start(): void {
    if (this.#child !== undefined) return;
    const child = fork(this.#program, [], {
      execArgv: EXEC_ARGUMENTS,
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    this.#child = child;
    child.on('message', (reply: Reply<never>) => {
      // One that was ended may have had an answer on the way.
      if (child === this.#child) this.#answered(reply);
    });
    child.once('exit', (status, signal) => this.#lost(child, `has ended (${status ?? signal})`));
    child.on('error', (error) => this.#lost(child, `does not work (${error.message})`));
  }

  /**
   * Asks the child; never while another question is out. Throws what it threw, with the system's `code`; ECHILD where it
   * does not run, or ends before it has answered.
   */
  call<Answer>(question: object): Promise<Answer> {
    assert(this.#waiting === undefined, 'one call at a time');
    return new Promise((resolve, reject) => {
      const child = this.#child;
      if (child === undefined) {
        reject(lostError('does not run'));
        return;
      }
      this.#waiting = { resolve, reject };
      child.send(question, (error) => {
        if (error !== null) this.#lost(child, `does not listen (${error.message})`);
      });
    });
  }

  /** Ends the child, also in the middle of a call, which fails. Never rejects. */
  async end(): Promise<void> {
    const child = this.#child;
    if (child === undefined) return;
    this.#lost(child, 'was ended');
    if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
    const ended = once(child, 'exit');
    // Nothing of it is worth a farewell, and one whose call hangs would not hear it.
    child.kill('SIGKILL');
    if (child.connected) child.disconnect();
    const waiting = new AbortController();
    await Promise.race([
      ended.then(() => waiting.abort()),
      this.#clock.sleep(END_MS, waiting.signal).catch(() => undefined),
    ]);
    child.unref();
  }

  #answered(reply: Reply<never>): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if ('answer' in reply) waiting?.resolve(reply.answer);
    else waiting?.reject(systemError(reply.failure));
  }

  #lost(child: ChildProcess, what: string): void {
    if (child !== this.#child) return;
    this.#child = undefined;
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.reject(lostError(what));
  }
}

function lostError(what: string): Error {
  return systemError({ code: 'ECHILD', message: `the process that makes the calls ${what}` });
}
