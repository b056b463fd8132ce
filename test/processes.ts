import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { systemClock } from '../runtime/clock.ts';

/** One line that a program has printed: the fields of a JSON log, or its text as `msg`. */
export interface LogLine {
  readonly msg: string;
  readonly [field: string]: unknown;
}

export interface ProgramOptions {
  /** What it is called where something goes wrong. */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** Between two looks at a condition, in milliseconds. */
const POLL_MS = 25;
/** Lines of one program that are kept. */
const LINES_MAX = 5000;
const STOP_MS = 15_000;

/** Programs that this process has started and that have not ended. None outlives it. */
const running = new Set<ChildProcess>();
const endAll = (): void => {
  for (const child of running) child.kill('SIGKILL');
};
process.on('exit', endAll);
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(signal, () => {
    endAll();
    // Heard once: now it does what it would have done.
    process.kill(process.pid, signal);
  });
}

/** Looks again and again until `probe` gives something other than undefined or false. Throws after `withinMs`, naming `what`. */
export async function eventually<T>(
  what: string,
  withinMs: number,
  probe: () => T | undefined | false | Promise<T | undefined | false>,
): Promise<T> {
  const endMs = systemClock.monotonicMs() + withinMs;
  for (;;) {
    const found = await probe();
    if (found !== undefined && found !== false) return found;
    if (systemClock.monotonicMs() > endMs) throw new Error(`not within ${withinMs} ms: ${what}`);
    await systemClock.sleep(POLL_MS);
  }
}

/** A real process under test: its log, its end, and what a machine may do to it. */
export class Program {
  readonly name: string;
  readonly lines: LogLine[] = [];
  readonly #child: ChildProcess;
  readonly #ended: Promise<void>;
  #expectsEnd = false;
  #hasEnded = false;

  constructor({ name, command, args, env = {} }: ProgramOptions) {
    this.name = name;
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } });
    this.#child = child;
    running.add(child);
    this.#ended = new Promise((resolve) => {
      child.once('error', (error) => this.#keep({ msg: error.message }));
      // Not `exit`: what a program says last tells why it has ended.
      child.once('close', () => {
        running.delete(child);
        this.#hasEnded = true;
        resolve();
      });
    });
    for (const stream of [child.stdout, child.stderr]) {
      assert(stream !== null, 'both are pipes');
      createInterface({ input: stream }).on('line', (line) => this.#keep(parsed(line)));
    }
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** Under which the kernel has it in /proc. */
  get pid(): number {
    assert(this.#child.pid !== undefined, `${this.name} was started`);
    return this.#child.pid;
  }

  /** Waits for a line with that message. Throws when it does not come in time, or when the program ends before. */
  async says(message: string, withinMs: number): Promise<LogLine> {
    return await eventually(`${this.name} says "${message}"`, withinMs, () => {
      const line = this.lines.find(({ msg }) => msg === message);
      if (line === undefined) this.mustRun();
      return line;
    });
  }

  /** Throws when it has ended by itself, with the last it said. */
  mustRun(): void {
    if (!this.hasEnded || this.#expectsEnd) return;
    const { exitCode, signalCode } = this.#child;
    throw new Error(`${this.name} has ended by itself (${exitCode ?? signalCode})\n${this.tail()}`);
  }

  /** Waits until it ends by itself, as it is meant to; its exit status. Throws when it does not in time. */
  async ends(withinMs: number): Promise<number | null> {
    this.#expectsEnd = true;
    await eventually(`${this.name} ends by itself`, withinMs, () => this.hasEnded);
    return this.#child.exitCode;
  }

  /** SIGKILL, as a power cut is for a process. */
  async kill(): Promise<void> {
    this.#expectsEnd = true;
    this.#child.kill('SIGKILL');
    await this.#ended;
  }

  /** SIGTERM; the exit status of a clean stop. Throws when it does not end in time. */
  async stop(withinMs: number = STOP_MS): Promise<number | null> {
    this.mustRun();
    this.#expectsEnd = true;
    this.#child.kill('SIGTERM');
    const cancel = systemClock.after(withinMs, () => {
      this.#keep({ msg: `did not end within ${withinMs} ms of SIGTERM: killed by the test` });
      this.#child.kill('SIGKILL');
    });
    await this.#ended;
    cancel();
    return this.#child.exitCode;
  }

  /** SIGSTOP: it holds its connections and answers nothing, from now on: the signal takes its time to reach each thread. */
  pause(): void {
    this.#child.kill('SIGSTOP');
    const startMs = systemClock.monotonicMs();
    while (!hasStopped(this.#child.pid) && systemClock.monotonicMs() - startMs < STOP_MS);
  }

  resume(): void {
    this.#child.kill('SIGCONT');
  }

  /** The last lines that it printed. */
  tail(count: number = 25): string {
    return this.lines
      .slice(-count)
      .map((line) => `  ${this.name}: ${JSON.stringify(line)}`)
      .join('\n');
  }

  #keep(line: LogLine): void {
    this.lines.push(line);
    if (this.lines.length > LINES_MAX) this.lines.shift();
  }
}

/** The programs of one test, ended with it whatever happens. */
export class Programs {
  readonly #programs: Program[] = [];

  start(options: ProgramOptions): Program {
    const program = new Program(options);
    this.#programs.push(program);
    return program;
  }

  /** What each of them said last, for a report of a failure. */
  tails(): string {
    return this.#programs.map((program) => program.tail()).join('\n');
  }

  async end(): Promise<void> {
    await Promise.all(this.#programs.map((program) => program.kill()));
  }
}

/** Runs a tool to its end; what it printed. Throws with that when it fails. */
export async function runTool(command: string, args: readonly string[]): Promise<string> {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (bytes: Buffer) => (output += bytes.toString()));
  const [status] = (await once(child, 'close')) as [number | null];
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${status}: ${output}`);
  return output;
}

function parsed(line: string): LogLine {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value === 'object' && value !== null && 'msg' in value) return value as LogLine;
  } catch {
    // Not every line is a log line: a crash prints text.
  }
  return { msg: line };
}

/** Whether every thread has (proc(5), `/proc/PID/task/TID/stat`), or the process is no more. */
function hasStopped(pid: number | undefined): boolean {
  const tasks = `/proc/${pid}/task`;
  try {
    return readdirSync(tasks).every((thread) => /\) [TZX]/.test(readFileSync(`${tasks}/${thread}/stat`, 'utf8')));
  } catch {
    // A thread has ended between the two looks, or all have.
    return readdirOrNone(tasks).length === 0;
  }
}

function readdirOrNone(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
