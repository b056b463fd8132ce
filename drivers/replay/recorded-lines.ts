import { type FileHandle, open } from 'node:fs/promises';
import { type ErrorCode, MooringError } from '../../runtime/errors.ts';

/** A file of lines, read from its beginning, little by little. */
export interface RecordedLines {
  /** The next line that is not empty; undefined at the end. Lines beyond the bound are left out. Throws `PORT_LOST`. */
  next(): Promise<string | undefined>;
  close(): Promise<void>;
}

/** Throws `PORT_ABSENT`, `PORT_PERMISSION`. */
export type OpenLines = (path: string) => Promise<RecordedLines>;

/** Beyond what any record is in one line: a batch of `mooring read --json` included. */
const LINE_BYTES_MAX = 512 * 1024;
const CHUNK_BYTES = 64 * 1024;
const LINE_END = 0x0a;

export const openLines: OpenLines = async (path) => {
  try {
    return new FileLines(path, await open(path, 'r'));
  } catch (cause) {
    throw failed(CODES[(cause as NodeJS.ErrnoException).code ?? ''] ?? 'PORT_ABSENT', path, cause);
  }
};

const CODES: Readonly<Record<string, ErrorCode>> = { EACCES: 'PORT_PERMISSION', EPERM: 'PORT_PERMISSION' };

class FileLines implements RecordedLines {
  readonly #path: string;
  readonly #file: FileHandle;
  #rest = Buffer.alloc(0);
  #isAtEnd = false;
  /** The line that is being read has more bytes than it may. */
  #isTooLong = false;

  constructor(path: string, file: FileHandle) {
    this.#path = path;
    this.#file = file;
  }

  async next(): Promise<string | undefined> {
    for (;;) {
      const line = this.#line();
      if (line !== undefined && line !== '') return line;
      if (line === undefined && this.#isAtEnd) return undefined;
      if (line === undefined) await this.#read();
    }
  }

  async close(): Promise<void> {
    await this.#file.close();
  }

  /** A line that is whole, '' where it is to be left out; undefined where more has to be read. */
  #line(): string | undefined {
    const end = this.#rest.indexOf(LINE_END);
    const isWhole = end >= 0 || (this.#isAtEnd && this.#rest.length > 0);
    if (!isWhole) {
      if (this.#rest.length > LINE_BYTES_MAX) {
        this.#isTooLong = true;
        this.#rest = Buffer.alloc(0);
      }
      return undefined;
    }
    const length = end < 0 ? this.#rest.length : end;
    const line = this.#isTooLong || length > LINE_BYTES_MAX ? '' : this.#rest.toString('utf8', 0, length).trim();
    this.#rest = this.#rest.subarray(end < 0 ? length : end + 1);
    this.#isTooLong = false;
    return line;
  }

  async #read(): Promise<void> {
    try {
      const { bytesRead, buffer } = await this.#file.read(Buffer.alloc(CHUNK_BYTES), 0, CHUNK_BYTES);
      this.#isAtEnd = bytesRead === 0;
      this.#rest = Buffer.concat([this.#rest, buffer.subarray(0, bytesRead)]);
    } catch (cause) {
      throw failed('PORT_LOST', this.#path, cause);
    }
  }
}

function failed(code: ErrorCode, path: string, cause: unknown): MooringError {
  const { code: reason = 'unknown' } = cause as NodeJS.ErrnoException;
  return new MooringError(code, 'the recording cannot be read', { cause, context: { path, reason } });
}
