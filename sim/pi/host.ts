import type { HostSystem } from '../../drivers/driver.ts';
import { MooringError } from '../../runtime/errors.ts';

/** Text of a file, or what makes it at the moment it is read. */
export type FileText = string | (() => string);
/** A program: what it prints, by its arguments. May throw. */
export type Program = (args: readonly string[]) => string;

/** What a machine says of itself, from files, programs and a disk that somebody sets. */
export class SimulatedHost implements HostSystem {
  readonly #files = new Map<string, FileText>();
  readonly #programs = new Map<string, Program>();
  readonly #spaces = new Map<string, () => Awaited<ReturnType<HostSystem['space']>>>();
  /** What the kernel says of its clock, in seconds; undefined: it follows none. */
  offsetS: number | (() => number) | undefined;

  /** Undefined: there is no such file any more. */
  file(path: string, text: FileText | undefined): void {
    if (text === undefined) this.#files.delete(path);
    else this.#files.set(path, text);
  }

  program(name: string, program: Program | undefined): void {
    if (program === undefined) this.#programs.delete(name);
    else this.#programs.set(name, program);
  }

  disk(path: string, space: (() => Awaited<ReturnType<HostSystem['space']>>) | undefined): void {
    if (space === undefined) this.#spaces.delete(path);
    else this.#spaces.set(path, space);
  }

  async read(path: string, signal: AbortSignal): Promise<string> {
    await turn(signal);
    const text = this.#files.get(path);
    if (text === undefined) throw absent(path);
    return (typeof text === 'string' ? text : text()).trim();
  }

  async list(path: string, signal: AbortSignal): Promise<string[]> {
    await turn(signal);
    const below = [...this.#files.keys()].filter((file) => file.startsWith(`${path}/`));
    if (below.length === 0) throw absent(path);
    return [...new Set(below.map((file) => file.slice(path.length + 1).split('/')[0] as string))].sort();
  }

  async space(path: string, signal: AbortSignal): Promise<{ freeBytes: number; totalBytes: number }> {
    await turn(signal);
    const space = this.#spaces.get(path);
    if (space === undefined) throw absent(path);
    return space();
  }

  async run(program: string, args: readonly string[], signal: AbortSignal): Promise<string> {
    await turn(signal);
    const found = this.#programs.get(program);
    if (found === undefined) throw absent(program);
    return found(args);
  }

  clockOffsetS(): number | undefined {
    return typeof this.offsetS === 'function' ? this.offsetS() : this.offsetS;
  }
}

async function turn(signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  await Promise.resolve();
}

function absent(path: string): MooringError {
  return new MooringError('PORT_ABSENT', 'the simulated machine has none of this name', { context: { path } });
}
