import type { Log } from '../runtime/log.ts';

/** A log that a test reads: `level: message` by line, with the fields beside. */
export class LogLines implements Log {
  readonly said: string[] = [];
  readonly fields: object[] = [];

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

  /** The lines without those of level `debug`. */
  get told(): string[] {
    return this.said.filter((line) => !line.startsWith('debug'));
  }

  #note(level: string, fields: object, message: string): void {
    this.said.push(`${level}: ${message}`);
    this.fields.push(fields);
  }
}
