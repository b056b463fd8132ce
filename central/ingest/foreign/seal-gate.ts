import type { Clock } from '../../../runtime/clock.ts';
import { MooringError } from '../../../runtime/errors.ts';
import type { Log } from '../../../runtime/log.ts';
import { StateFile } from '../../../runtime/state-file.ts';
import { readUdpKey } from '../../../runtime/udp-key.ts';
import { RefusalNotices } from './refusal-notices.ts';
import { type Unsealed, unsealed } from './seal.ts';
import { type KeptSequences, SequenceMemory, type SequenceVerdict } from './sequence-memory.ts';

export interface SealGateOptions {
  /** Key of `sources`. */
  readonly source: string;
  /** 32 bytes in hex, mode 0600. */
  readonly keyFile: string;
  /** Where the sequences that were taken are kept. */
  readonly memoryFile: string;
  readonly clock: Clock;
  readonly log: Log;
}

/** Why a sealed message is refused: its seal is not right, it came before, or it is older than what may still come. */
export type SealRefusal = 'forged' | Exclude<SequenceVerdict, 'new'>;

export interface SealStatus {
  readonly refused: Readonly<Record<SealRefusal, number>>;
  /** Senders that are known by a sequence. */
  readonly senders: number;
}

/** A message that may go on. */
export interface Admitted extends Unsealed {
  /** To be told once: whether somebody has it now, and it is not to be taken again. */
  settle(isTaken: boolean): void;
}

/** From a change until it is kept, in milliseconds. */
const KEEP_MS = 5000;
const SENTENCES: Readonly<Record<SealRefusal, string>> = {
  forged: 'messages of a source are refused: their seal is not of its key',
  replayed: 'messages of a source are refused: they came before',
  older: 'messages of a source are refused: they are older than what may still come',
};

/**
 * Lets through what was sealed with the key of a source, and each of it once. What was taken is remembered in a file,
 * seconds later: what is taken again after a crash makes the record that it made before.
 */
export class SealGate {
  readonly #options: SealGateOptions;
  readonly #log: Log;
  readonly #file: StateFile<KeptSequences>;
  readonly #notices: RefusalNotices<SealRefusal>;
  /** `SENDER SEQUENCE` of what was let through, and is not settled yet. */
  readonly #underWay = new Set<string>();
  #memory = new SequenceMemory();
  #key: Uint8Array | undefined;
  #cancel: (() => void) | undefined;
  #keeping: Promise<void> = Promise.resolve();
  #isFailing = false;

  constructor(options: SealGateOptions) {
    this.#options = options;
    this.#log = options.log.child({ source: options.source });
    this.#file = new StateFile(options.memoryFile);
    this.#notices = new RefusalNotices(options.clock, this.#log);
  }

  /** Throws `UDP_KEY_UNUSABLE` for the key, and `STATE_FAILED` for a memory that cannot be read. */
  async open(): Promise<void> {
    const { source, keyFile } = this.#options;
    try {
      this.#key = await readUdpKey(keyFile);
    } catch (cause) {
      if (!(cause instanceof MooringError)) throw cause;
      throw new MooringError('UDP_KEY_UNUSABLE', 'the key of a source cannot be used', {
        cause,
        context: { source, path: keyFile, reason: cause.message },
        hint: 'Make one with `openssl rand -hex 32`, mode 0600, the same for the devices and the centre.',
      });
    }
    this.#memory = new SequenceMemory(await this.#file.load());
  }

  status(): SealStatus {
    const count = (refusal: SealRefusal): number => this.#notices.count(refusal);
    const refused = { forged: count('forged'), replayed: count('replayed'), older: count('older') };
    return { refused, senders: this.#memory.size };
  }

  /** The message, or why it is refused, which is counted and told of. */
  admit(bytes: Uint8Array, remote: string): Admitted | SealRefusal {
    const found = this.#key === undefined ? undefined : unsealed(this.#key, bytes);
    if (found === undefined) return this.#refused('forged', { remote });
    const { sender, sequence } = found;
    const name = `${sender} ${sequence}`;
    const verdict = this.#underWay.has(name) ? 'replayed' : this.#memory.verdictOf(sender, sequence);
    if (verdict !== 'new') return this.#refused(verdict, { remote, sender, sequence });
    this.#underWay.add(name);
    const settle = (isTaken: boolean): void => {
      this.#underWay.delete(name);
      if (!isTaken) return;
      this.#memory.take(sender, sequence);
      this.#keepSoon();
    };
    return { ...found, settle };
  }

  /** Keeps what was taken. */
  async close(): Promise<void> {
    if (this.#cancel !== undefined) this.#keep();
    await this.#keeping;
  }

  #refused(refusal: SealRefusal, context: Readonly<Record<string, unknown>>): SealRefusal {
    this.#notices.add(refusal, SENTENCES[refusal], context);
    return refusal;
  }

  #keepSoon(): void {
    this.#cancel ??= this.#options.clock.after(KEEP_MS, () => this.#keep());
  }

  #keep(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#keeping = this.#file.save(this.#memory.kept()).then(
      () => {
        this.#isFailing = false;
      },
      (err: unknown) => {
        if (!(err instanceof MooringError)) throw err;
        if (!this.#isFailing) this.#log.error({ err }, 'the sequences of sealed messages cannot be kept');
        this.#isFailing = true;
      },
    );
  }
}
