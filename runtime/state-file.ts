import { constants } from 'node:fs';
import { mkdir, open, readFile, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { MooringError } from './errors.ts';

/**
 * A small JSON value in a file of its own, replaced whole: a power cut leaves the old value or the new one. Writes that come
 * while one is under way are one write, of the newest value.
 */
export class StateFile<T> {
  readonly #path: string;
  #next: { readonly value: T } | undefined;
  #writing: Promise<void> | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  get path(): string {
    return this.#path;
  }

  /** What was saved last; undefined where there is no file. Throws `STATE_FAILED` where it cannot be read or is no JSON. */
  async load(): Promise<T | undefined> {
    try {
      return JSON.parse(await readFile(this.#path, 'utf8')) as T;
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw this.#failed('a file of kept values cannot be read', cause);
    }
  }

  /** Durable when it resolves: the file holds this value or a newer one. Throws `STATE_FAILED`; it may be tried again. */
  async save(value: T): Promise<void> {
    this.#next = { value };
    // The one under way may have taken an older value; the one after it takes the newest.
    await this.#writing?.catch(() => undefined);
    this.#writing ??= this.#write().finally(() => {
      this.#writing = undefined;
    });
    await this.#writing;
  }

  async #write(): Promise<void> {
    const next = this.#next;
    if (next === undefined) return;
    this.#next = undefined;
    try {
      await mkdir(dirname(this.#path), { recursive: true });
      const temporary = `${this.#path}.new`;
      const file = await open(temporary, 'w', 0o640);
      try {
        await file.writeFile(`${JSON.stringify(next.value)}\n`);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(temporary, this.#path);
      const folder = await open(dirname(this.#path), constants.O_DIRECTORY);
      await folder.sync().finally(async () => await folder.close());
    } catch (cause) {
      throw this.#failed('a file of kept values cannot be written', cause);
    }
  }

  #failed(message: string, cause: unknown): MooringError {
    return new MooringError('STATE_FAILED', message, { cause, context: { path: this.#path } });
  }
}
