import { open, stat } from 'node:fs/promises';
import type { Clock } from '../../../runtime/clock.ts';
import { MooringError } from '../../../runtime/errors.ts';
import type { Log } from '../../../runtime/log.ts';
import {
  type RegistryColumns,
  type RegistryEntries,
  type RegistryEntry,
  registryEntriesOf,
  registryKeyOf,
} from './registry-table.ts';

export interface RegistryOptions extends RegistryColumns {
  /** Its name in the configuration, for the log. */
  readonly name: string;
  /** CSV, or JSON where it ends in `.json`. */
  readonly file: string;
  readonly clock: Clock;
  readonly log: Log;
  /** How often the file is looked at; 5 s if left out. */
  readonly pollMs?: number | undefined;
}

/** Some forty thousand devices. */
export const REGISTRY_BYTES_MAX = 4 * 1024 * 1024;
const POLL_MS = 5000;

/**
 * What is known of devices beside what they say themselves: a file, read anew when it changes. A version that is wrong is
 * refused, logged once, and the one before goes on serving. Answers come from memory.
 */
export class Registry {
  readonly #options: RegistryOptions;
  #entries: RegistryEntries = new Map();
  /** Of the file that was looked at last, whether it was taken or not. */
  #version = '';
  #isFailing = false;
  #looking: Promise<void> | undefined;
  #cancel: (() => void) | undefined;
  #isClosed = false;

  constructor(options: RegistryOptions) {
    this.#options = options;
  }

  /** Devices that it knows. */
  get size(): number {
    return this.#entries.size;
  }

  /** Reads the file, then looks at it until `close`. Throws `CONFIG_UNREADABLE`, and `CONFIG_INVALID` with each line that is wrong. */
  async open(): Promise<void> {
    const { file } = this.#options;
    try {
      this.#version = await versionOf(file);
      this.#entries = await this.#read();
    } catch (error) {
      if (error instanceof MooringError) throw error;
      throw unreadable(file, error);
    }
    this.#lookLater();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#cancel?.();
    await this.#looking;
  }

  /**
   * What is known of the device that calls itself `sourceId`; undefined where nothing is. It goes into the record beside what
   * the device said, and is nothing that the record's id follows from: that must not change with the file.
   */
  entryOf(sourceId: string): RegistryEntry | undefined {
    return this.#entries.get(registryKeyOf(sourceId));
  }

  /** Resolves when no look at the file is under way. */
  async settled(): Promise<void> {
    await this.#looking;
  }

  #lookLater(): void {
    if (this.#isClosed) return;
    const { clock, pollMs = POLL_MS } = this.#options;
    this.#cancel = clock.after(pollMs, () => {
      this.#looking = this.#look().finally(() => this.#lookLater());
    });
  }

  async #look(): Promise<void> {
    const { file, name, log } = this.#options;
    let version = '';
    try {
      version = await versionOf(file);
      if (version === this.#version) return;
      const entries = await this.#read();
      // Changed while it was read: the next look takes it, or refuses it.
      if ((await versionOf(file)) !== version) return;
      this.#version = version;
      this.#entries = entries;
      this.#isFailing = false;
      log.info({ registry: name, devices: entries.size }, 'a registry was read anew');
    } catch (error) {
      const isTold = this.#isFailing && version === this.#version;
      this.#version = version;
      this.#isFailing = true;
      if (isTold) return;
      const err = error instanceof MooringError ? error : unreadable(file, error);
      const { problems: _, ...context } = err.context;
      log.error({ err, registry: name, ...context }, 'a registry is not taken as it is now: the one before serves');
    }
  }

  async #read(): Promise<RegistryEntries> {
    const { file, ...columns } = this.#options;
    return registryEntriesOf(file, await textOf(file), columns);
  }
}

async function versionOf(file: string): Promise<string> {
  const { mtimeMs, ctimeMs, size, ino } = await stat(file);
  return [mtimeMs, ctimeMs, size, ino].join(' ');
}

async function textOf(file: string): Promise<string> {
  const handle = await open(file, 'r');
  try {
    const bytes = Buffer.alloc(REGISTRY_BYTES_MAX + 1);
    let length = 0;
    for (;;) {
      const { bytesRead } = await handle.read(bytes, length, bytes.length - length, null);
      if (bytesRead === 0) break;
      length += bytesRead;
    }
    if (length > REGISTRY_BYTES_MAX) throw refused(file, `is larger than ${REGISTRY_BYTES_MAX / 2 ** 20} MiB`);
    try {
      return new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(0, length));
    } catch {
      throw refused(file, 'is not UTF-8 text');
    }
  } finally {
    await handle.close();
  }
}

function refused(file: string, message: string): MooringError {
  const problem = { file, line: 0, column: 0, key: '(file)', message, hint: '' };
  return new MooringError('CONFIG_INVALID', `the registry ${message}`, { context: { file, problems: [problem] } });
}

function unreadable(file: string, cause: unknown): MooringError {
  return new MooringError('CONFIG_UNREADABLE', 'the registry cannot be read', {
    cause,
    context: { file, reason: (cause as NodeJS.ErrnoException).code },
    hint: 'Give the path of a CSV or JSON file that this user may read.',
  });
}
