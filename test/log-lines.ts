import type { Log } from '../runtime/log.ts';

/** A log that a test reads: `level: message` by line, with the fields beside. */
export class LogLines implements Log {
  readonly said: string[] = [];
  readonly fields: object[] = [];
  readonly #waiting: (() => void)[] = [];

  debug(fields: object, message: string): void {
    this.#note('debug', fields, message);
  }

  info(fields: object, message: string): void {
    this.#note('info', fields, message);
  }

  warn(fields: object, message: string): void {
    this.#note('warn', fields, message);
  }

  error(fields: object, message: string): void {
    this.#note('error', fields, message);
  }

  fatal(fields: object, message: string): void {
    this.#note('fatal', fields, message);
  }

  child(): Log {
    return this;
  }

  /** Resolves when a line has been said, now or before. */
  async until(line: string): Promise<void> {
    while (!this.said.includes(line)) await new Promise<void>((wake) => this.#waiting.push(wake));
  }

  /** The lines without those of level `debug`. */
  get told(): string[] {
    return this.said.filter((line) => !line.startsWith('debug'));
  }

  #note(level: string, fields: object, message: string): void {
    this.said.push(`${level}: ${message}`);
    this.fields.push(fields);
    for (const wake of this.#waiting.splice(0)) wake();
  }
}
