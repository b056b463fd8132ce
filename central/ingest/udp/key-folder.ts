import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { NAME_PATTERN } from '../../../protocol/record.ts';
import type { Clock } from '../../../runtime/clock.ts';
import { MooringError } from '../../../runtime/errors.ts';
import type { Log } from '../../../runtime/log.ts';
import { readUdpKey } from '../../../runtime/udp-key.ts';

export interface KeyFolderOptions {
  readonly path: string;
  readonly clock: Clock;
  readonly log: Log;
}

/** How old what is known may be when a key is asked for, in milliseconds: of a gateway with a key, and of one without. */
const FRESH_MS = { known: 5000, unknown: 1000 } as const;
const SUFFIX = '.key';

interface KnownKey {
  /** Changes with the file. */
  readonly version: string;
  /** Undefined where the file is no key. */
  readonly key: Uint8Array | undefined;
}

/**
 * The keys of the gateways, `<gateway>.key` in one folder. Asked for every datagram, so it answers from memory and looks
 * at the folder in between: names that come with datagrams never become paths. A key that is changed or taken away holds
 * from a few seconds later on.
 */
export class KeyFolder {
  readonly #options: KeyFolderOptions;
  #keys: ReadonlyMap<string, KnownKey> = new Map();
  #lookedMs = Number.NEGATIVE_INFINITY;
  #looking: Promise<void> | undefined;
  #isFailing = false;

  constructor(options: KeyFolderOptions) {
    this.#options = options;
  }

  /** Gateways that have a usable key. */
  get size(): number {
    let count = 0;
    for (const { key } of this.#keys.values()) if (key !== undefined) count += 1;
    return count;
  }

  /** Reads the folder. Throws `UDP_KEY_UNUSABLE` where that cannot be read at all; a key that is none is logged. */
  async open(): Promise<void> {
    try {
      await this.#look();
    } catch (cause) {
      throw new MooringError('UDP_KEY_UNUSABLE', 'the folder of UDP keys cannot be read', {
        cause,
        context: { path: this.#options.path },
        hint: `Make ${this.#options.path}, readable by this user, with one \`<gateway>.key\` for each gateway.`,
      });
    }
    if (this.size === 0) this.#options.log.warn({ path: this.#options.path }, 'no gateway has a UDP key yet');
  }

  /** The gateway's key as of a few seconds ago, or undefined where it has none. */
  keyOf(gateway: string): Uint8Array | undefined {
    const key = this.#keys.get(gateway)?.key;
    const ageMs = this.#options.clock.monotonicMs() - this.#lookedMs;
    if (ageMs >= (key === undefined ? FRESH_MS.unknown : FRESH_MS.known)) this.#lookAgain();
    return key;
  }

  /** What came does not fit the key that is known: perhaps the file has just been changed. */
  doubt(): void {
    if (this.#options.clock.monotonicMs() - this.#lookedMs >= FRESH_MS.unknown) this.#lookAgain();
  }

  /** Resolves when no look at the folder is under way. */
  async settled(): Promise<void> {
    await this.#looking;
  }

  #lookAgain(): void {
    if (this.#looking !== undefined) return;
    this.#looking = this.#look()
      .then(
        () => {
          if (this.#isFailing) this.#options.log.info({}, 'the folder of UDP keys can be read again');
          this.#isFailing = false;
        },
        (err: unknown) => {
          if (!this.#isFailing) {
            this.#options.log.error({ err }, 'the folder of UDP keys cannot be read: those that are known stay');
          }
          this.#isFailing = true;
        },
      )
      .finally(() => {
        this.#looking = undefined;
      });
  }

  async #look(): Promise<void> {
    const { path, clock } = this.#options;
    this.#lookedMs = clock.monotonicMs();
    const keys = new Map<string, KnownKey>();
    for (const file of await readdir(path)) {
      const gateway = file.slice(0, -SUFFIX.length);
      if (!file.endsWith(SUFFIX) || !NAME_PATTERN.test(gateway)) continue;
      const known = await this.#lookAt(gateway, join(path, file));
      if (known !== undefined) keys.set(gateway, known);
    }
    for (const gateway of this.#keys.keys()) {
      if (!keys.has(gateway)) this.#options.log.info({ gateway }, 'the UDP key of a gateway is gone');
    }
    this.#keys = keys;
  }

  async #lookAt(gateway: string, file: string): Promise<KnownKey | undefined> {
    const { log } = this.#options;
    const before = this.#keys.get(gateway);
    let version: string;
    try {
      const { mtimeMs, ctimeMs, size, ino, mode } = await stat(file);
      version = [mtimeMs, ctimeMs, size, ino, mode].join(' ');
    } catch {
      // Taken away between the two looks.
      return undefined;
    }
    if (before?.version === version) return before;
    try {
      const key = await readUdpKey(file);
      log.info({ gateway }, before === undefined ? 'a gateway has a UDP key' : 'the UDP key of a gateway was changed');
      return { version, key };
    } catch (err) {
      if (!(err instanceof MooringError)) throw err;
      log.error({ err, gateway }, 'the UDP key of a gateway is not taken');
      return { version, key: undefined };
    }
  }
}
