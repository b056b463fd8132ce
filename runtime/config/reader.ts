import { closeSync, openSync, readSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { z } from 'zod';
import { MooringError } from '../errors.ts';
import { ConfigDocument, type Finding, keyText, type Path } from './document.ts';
import { explainIssues, kindOf, sayWhatIsWrong, valueAt } from './explain.ts';
import { configInvalid, type Problem } from './problem.ts';
import { resolvePaths } from './schema-tree.ts';

/** A configuration is written by people: a file beyond this is something else. */
export const CONFIG_BYTES_MAX = 256 * 1024;

/**
 * Reads one configuration file, part by part, and keeps every problem until all of it has been looked at.
 * Parts are parsed separately so that a mistake in one of them hides no mistake in another.
 */
export class ConfigReader {
  /** The file as it was named. */
  readonly file: string;
  /** The folder that relative paths start from. */
  readonly folder: string;
  /** The top mapping as plain data. */
  readonly data: Readonly<Record<string, unknown>>;
  readonly #document: ConfigDocument;
  readonly #problems: Problem[] = [];

  /** Throws `CONFIG_UNREADABLE`, and `CONFIG_INVALID` where the file is not YAML or not a mapping. */
  constructor(file: string) {
    this.file = file;
    this.folder = dirname(resolve(file));
    this.#document = new ConfigDocument(this.#text());
    this.#keep(this.#document.syntax);
    this.throwIfInvalid();
    const { data } = this.#document;
    if (!isMapping(data)) {
      const message =
        data === null || data === undefined ? 'the file is empty' : `a mapping is expected, not ${kindOf(data)}`;
      throw configInvalid(file, [this.problemAt([], 'value', message, 'Start from a file in deploy/.')]);
    }
    this.data = data;
    this.#keep(this.#document.duplicates);
  }

  /** The value at `path` as written in the file. */
  valueAt(path: Path): unknown {
    return valueAt(this.data, path);
  }

  /** The mapping at `path` as written in the file; undefined where there is none. */
  mappingAt(path: Path): Readonly<Record<string, unknown>> | undefined {
    const value = this.valueAt(path);
    return isMapping(value) ? value : undefined;
  }

  /** The line that the key or entry at `path` begins in. */
  lineOf(path: Path): number {
    return this.#document.locate(path, 'key').line;
  }

  /** `value`, which stands at `path`, as the schema reads it, its paths made absolute; undefined where it is wrong. */
  parse<Output>(schema: z.ZodType<Output>, path: Path, value: unknown = this.valueAt(path)): Output | undefined {
    const result = schema.safeParse(value, { error: sayWhatIsWrong });
    if (result.success) return resolvePaths(schema, result.data, this.folder);
    for (const { path: below, at, message, hint } of explainIssues(schema, value, result.error.issues)) {
      this.report([...path, ...below], at, message, hint);
    }
    return undefined;
  }

  /** Keeps a problem with the key or the value at `path`. */
  report(path: Path, at: 'key' | 'value', message: string, hint: string = ''): void {
    this.#problems.push(this.problemAt(path, at, message, hint));
  }

  /** A problem with the key or the value at `path`, which is not kept. */
  problemAt(path: Path, at: 'key' | 'value', message: string, hint: string): Problem {
    return { file: this.file, ...this.#document.locate(path, at), key: keyText(path), message, hint };
  }

  /** Throws `CONFIG_INVALID` with every problem so far. */
  throwIfInvalid(): void {
    if (this.#problems.length > 0) throw configInvalid(this.file, this.#problems);
  }

  #keep(findings: readonly Finding[]): void {
    this.#problems.push(...findings.map((finding) => ({ file: this.file, ...finding })));
  }

  #text(): string {
    const bytes = readBounded(this.file);
    if (bytes.length > CONFIG_BYTES_MAX) {
      const message = `larger than ${CONFIG_BYTES_MAX / 1024} KiB, which no configuration is`;
      throw configInvalid(this.file, [{ file: this.file, line: 0, column: 0, key: '(file)', message, hint: '' }]);
    }
    try {
      return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    } catch {
      const hint = 'Save it as UTF-8.';
      throw configInvalid(this.file, [
        { file: this.file, line: 0, column: 0, key: '(file)', message: 'is not UTF-8 text', hint },
      ]);
    }
  }
}

function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}

/** At most one byte more than a configuration may have, whatever the file is. */
function readBounded(file: string): Uint8Array {
  try {
    const descriptor = openSync(file, 'r');
    try {
      const bytes = Buffer.alloc(CONFIG_BYTES_MAX + 1);
      let length = 0;
      while (length < bytes.length) {
        const read = readSync(descriptor, bytes, length, bytes.length - length, null);
        if (read === 0) break;
        length += read;
      }
      return bytes.subarray(0, length);
    } finally {
      closeSync(descriptor);
    }
  } catch (error) {
    throw new MooringError('CONFIG_UNREADABLE', 'the configuration cannot be read', {
      cause: error,
      context: { file, reason: (error as NodeJS.ErrnoException).code },
      hint: 'Give the path of a YAML file that this user may read.',
    });
  }
}
