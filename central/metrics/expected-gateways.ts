import { readdir, readFile } from 'node:fs/promises';
import { NAME_PATTERN } from '../../protocol/record.ts';
import type { Clock } from '../../runtime/clock.ts';
import type { Log } from '../../runtime/log.ts';

export interface ExpectedGatewaysOptions {
  /** Names, one a line; blank lines and what follows a `#` are nothing. */
  readonly listFile: string | undefined;
  /** Folder with one `<gateway>.key` each. */
  readonly keysDir: string | undefined;
  readonly clock: Clock;
  readonly log: Log;
}

const LOOK_MS = 30_000;
const NAMES_MAX = 10_000;
const KEY_SUFFIX = '.key';

/** Gateways that ought to be heard: of a list, and of the folder of UDP keys. Both are read again now and then. */
export class ExpectedGateways {
  readonly #options: ExpectedGatewaysOptions;
  #names: readonly string[] = [];
  #cancel: (() => void) | undefined;
  #isFailing = false;
  #isClosed = false;

  constructor(options: ExpectedGatewaysOptions) {
    this.#options = options;
  }

  get names(): readonly string[] {
    return this.#names;
  }

  async start(): Promise<void> {
    await this.#look();
  }

  stop(): void {
    this.#isClosed = true;
    this.#cancel?.();
  }

  /** What cannot be read now keeps what was read before. */
  async #look(): Promise<void> {
    const { listFile, keysDir, clock, log } = this.#options;
    try {
      const listed = listFile === undefined ? [] : namesIn(await readFile(listFile, 'utf8'));
      const keyed = keysDir === undefined ? [] : keyedIn(await readdir(keysDir));
      this.#names = [...new Set([...listed, ...keyed])].slice(0, NAMES_MAX);
      this.#isFailing = false;
    } catch (err) {
      if (!this.#isFailing) log.warn({ err }, 'the list of gateways cannot be read: it is taken as it was');
      this.#isFailing = true;
    }
    if (!this.#isClosed) this.#cancel = clock.after(LOOK_MS, () => void this.#look());
  }
}

function namesIn(text: string): string[] {
  const lines = text.split(/\r?\n/).map((line) => (line.split('#', 1)[0] as string).trim());
  return lines.filter((name) => NAME_PATTERN.test(name));
}

function keyedIn(files: readonly string[]): string[] {
  const keys = files.filter((file) => file.endsWith(KEY_SUFFIX));
  return keys.map((file) => file.slice(0, -KEY_SUFFIX.length)).filter((name) => NAME_PATTERN.test(name));
}
