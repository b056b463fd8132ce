import type { ChildProcess } from 'node:child_process';
import { extname } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Clock } from '../../../runtime/clock.ts';
import { MooringError } from '../../../runtime/errors.ts';
import type { Log } from '../../../runtime/log.ts';
import type { FoundLine } from './found-line.ts';
import { BEAT_MS, type ErrorWords, type Level, type WordFromGuard, type WordToGuard } from './guard-words.ts';
import type { Spawn } from './tether.ts';

export interface GuardLinkPlace {
  readonly clock: Clock;
  readonly log: Log;
  readonly spawn: Spawn;
  /** The Node that the guard runs on. */
  readonly node: string;
}

/** What the guard tells of one line. */
export interface LineListener {
  /** The line, or the guard, is lost. The line has to be opened again. */
  readonly onLost: (error: MooringError) => void;
  /** It is at its safe level as we were silent for too long; what should be played has to be said again. */
  readonly onRested: () => void;
}

/** Run from the sources it is TypeScript, run from the package it is not. */
const GUARD = fileURLToPath(new URL(`./guard-process${extname(import.meta.url)}`, import.meta.url));
/** Small: it holds lines and timers, nothing else. */
const NODE_OPTIONS = ['--max-semi-space-size=1', '--max-old-space-size=32', '--no-warnings'];
/** So many beats without an answer, and the guard is stuck. Counted, as time may have passed in which we stood still. */
const BEATS_MAX = 6;
/** So many before its first: Node takes seconds to start where the machine is slow and busy. */
const START_BEATS_MAX = 120;
/** How long it may take to let every line go. */
const END_MS = 5000;

/** The daemon's end of its one guard process, which is started with the first line and again after it was lost. */
export class GuardLink {
  readonly #place: GuardLinkPlace;
  readonly #listeners = new Map<number, LineListener>();
  readonly #waiting = new Map<
    number,
    { readonly resolve: () => void; readonly reject: (error: MooringError) => void }
  >();
  #child: ChildProcess | undefined;
  #ended: Promise<void> = Promise.resolve();
  #lastId = 0;
  #hasStarted = false;
  #unanswered = 0;
  #cancelBeat: () => void = () => undefined;

  constructor(place: GuardLinkPlace) {
    this.#place = place;
  }

  /** The guard's process id, where one runs. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Takes a line at its safe level; resolves to its number. Throws what the guard says, or `ACTUATOR_FAILED`. */
  async open(
    line: string,
    found: FoundLine,
    levels: { readonly safe: Level; readonly on: Level },
    listener: LineListener,
  ): Promise<number> {
    this.#child ??= this.#start();
    this.#lastId += 1;
    const id = this.#lastId;
    await new Promise<void>((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#listeners.set(id, listener);
      this.say({ word: 'open', id, line, found, ...levels });
    });
    return id;
  }

  /** In the pipe when it returns. Of a guard that is lost its listeners have heard. */
  say(word: WordToGuard): void {
    this.#child?.stdin?.write(`${JSON.stringify(word)}\n`);
  }

  /** Lets a line go. Resolves when it is at its safe level and free, or the guard is lost. */
  async closeLine(id: number): Promise<void> {
    if (!this.#listeners.delete(id)) return;
    await new Promise<void>((resolve) => {
      this.#waiting.set(id, { resolve, reject: () => resolve() });
      this.say({ word: 'close', id });
    });
  }

  /** Ends the guard, which lets every line go. */
  async close(): Promise<void> {
    const child = this.#child;
    this.#listeners.clear();
    this.#cancelBeat();
    if (child === undefined) return;
    const cancel = this.#place.clock.after(END_MS, () => child.kill('SIGKILL'));
    child.stdin?.end();
    await this.#ended;
    cancel();
  }

  #start(): ChildProcess {
    const { spawn, node } = this.#place;
    // Detached: in a session of its own no terminal's signal reaches it, nor what it starts.
    const child = spawn(node, [...NODE_OPTIONS, GUARD], { stdio: ['pipe', 'pipe', 'inherit'], detached: true });
    let cause: Error | undefined;
    child.stdin?.on('error', () => undefined);
    // Undefined where the system has no descriptor left: the error that is to come says so.
    if (child.stdout) {
      createInterface({ input: child.stdout }).on('line', (text) => this.#hear(JSON.parse(text) as WordFromGuard));
    }
    this.#ended = new Promise((resolve) => {
      const end = (error?: Error): void => {
        cause ??= error;
        this.#lose(child, cause);
        resolve();
      };
      child.on('error', end);
      child.on('exit', () => end());
    });
    this.#hasStarted = false;
    this.#unanswered = 0;
    this.#beat();
    return child;
  }

  #beat(): void {
    this.#cancelBeat();
    this.#cancelBeat = this.#place.clock.after(BEAT_MS, () => {
      this.#unanswered += 1;
      // Its lines go to their safe level by the last words of those who hold them, which it cannot keep back.
      if (this.#unanswered > (this.#hasStarted ? BEATS_MAX : START_BEATS_MAX)) this.#child?.kill('SIGKILL');
      this.say({ word: 'beat' });
      this.#beat();
    });
  }

  #hear(word: WordFromGuard): void {
    switch (word.word) {
      case 'beat':
        this.#hasStarted = true;
        this.#unanswered = 0;
        return;
      case 'opened':
      case 'closed':
        this.#waiting.get(word.id)?.resolve();
        this.#waiting.delete(word.id);
        return;
      case 'failed':
        this.#fail(word.id, errorOf(word.error));
        return;
      case 'rested':
        this.#place.log.warn({}, 'actuators went to their safe level: the daemon had stood still');
        this.#listeners.get(word.id)?.onRested();
        return;
    }
  }

  #fail(id: number, error: MooringError): void {
    const waiting = this.#waiting.get(id);
    const listener = this.#listeners.get(id);
    this.#waiting.delete(id);
    this.#listeners.delete(id);
    if (waiting === undefined) listener?.onLost(error);
    else waiting.reject(error);
  }

  #lose(child: ChildProcess, cause: Error | undefined): void {
    if (this.#child !== child) return;
    this.#child = undefined;
    this.#cancelBeat();
    const error = new MooringError('ACTUATOR_FAILED', 'the process that holds the output lines has ended', {
      ...(cause === undefined ? {} : { cause }),
      hint: 'It is started again, and the lines are at their safe level until then.',
    });
    for (const id of new Set([...this.#waiting.keys(), ...this.#listeners.keys()])) this.#fail(id, error);
  }
}

function errorOf({ code, message, hint, context }: ErrorWords): MooringError {
  return new MooringError(code, message, { context, ...(hint === undefined ? {} : { hint }) });
}
