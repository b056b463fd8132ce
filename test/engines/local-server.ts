import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Engine } from '../conformance/remote-store.ts';
import { eventually, type Program, type ProgramOptions, Programs } from '../processes.ts';

/** A real server on loopback for the tests: one program or some, and a folder that goes when they do. */
export abstract class LocalServer {
  /** For whatever belongs to it. */
  readonly folder: string;
  readonly #name: string;
  readonly #startMs: number;
  readonly #programs = new Programs();
  #running: readonly Program[] = [];

  /** @param startMs how long a start may take */
  protected constructor(name: string, startMs: number) {
    this.#name = name;
    this.#startMs = startMs;
    this.folder = mkdtempSync(join(tmpdir(), `mooring-${name}-`));
  }

  /** SIGKILL, and a new start on the same data; resolves when it serves. */
  async restart(): Promise<void> {
    await this.kill();
    await this.#launch();
  }

  /** SIGKILL; `restart` brings it back. */
  async kill(): Promise<void> {
    await Promise.all(this.#running.map((program) => program.kill()));
  }

  /** SIGSTOP: it accepts and answers nothing. */
  pause(): void {
    for (const program of this.#running.toReversed()) program.pause();
  }

  resume(): void {
    for (const program of this.#running) program.resume();
  }

  async stop(): Promise<void> {
    await this.#programs.end();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** The first start; resolves when it serves. Throws with what the programs said last. */
  protected async begin(): Promise<this> {
    try {
      await this.prepare();
      await this.#launch();
      return this;
    } catch (error) {
      const tails = this.#programs.tails();
      await this.stop();
      throw new Error(`${this.#name} has not started:\n${tails}`, { cause: error });
    }
  }

  /** What the folder has to have before the first start. */
  protected prepare(): void | Promise<void> {
    // Most make all they need by themselves.
  }

  /** What runs, in the order in which it starts. */
  protected abstract programs(): readonly ProgramOptions[];

  /** Whether it serves by now. */
  protected abstract serves(programs: readonly Program[]): boolean | Promise<boolean>;

  async #launch(): Promise<void> {
    const running = this.programs().map((options) => this.#programs.start(options));
    this.#running = running;
    await eventually(`${this.#name} serves`, this.#startMs, async () => {
      for (const program of running) program.mustRun();
      return await this.serves(running);
    });
  }
}

/** Whether a program has printed a line like that. */
export function hasSaid(program: Program | undefined, what: RegExp): boolean {
  return program?.lines.some(({ msg }) => what.test(msg)) ?? false;
}

/**
 * A server for the suite of stores.
 * @param placeOf what `make` has to know of the place with that number, from 1 on
 */
export function engineOf(server: LocalServer, placeOf: (number: number) => object): Engine {
  let places = 0;
  return {
    newPlace: async () => {
      places += 1;
      return JSON.stringify(placeOf(places));
    },
    restart: () => server.restart(),
    pause: () => server.pause(),
    resume: () => server.resume(),
    stop: () => server.stop(),
  };
}
