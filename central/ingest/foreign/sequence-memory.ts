/** What a sequence is to those that were taken before. */
export type SequenceVerdict = 'new' | 'replayed' | 'older';

/** As it is kept: by sender the largest sequence that was taken, and a bit for each of the 64 up to it, in hex. */
export type KeptSequences = Readonly<Record<string, readonly [last: number, taken: string]>>;

interface Window {
  last: number;
  /** Bit i: `last − i` was taken. */
  taken: bigint;
}

/** Sequences up to the largest that may still come, as datagrams overtake one another (RFC 4303 section 3.4.3). */
const WINDOW = 64;
const MASK = (1n << BigInt(WINDOW)) - 1n;

/** Which sequences of each sender were taken: none is taken twice. */
export class SequenceMemory {
  readonly #senders = new Map<string, Window>();

  /** Anything that is no kept memory is passed by. */
  constructor(kept: KeptSequences = {}) {
    for (const [sender, [last, taken]] of Object.entries(kept)) {
      if (Number.isSafeInteger(last) && /^[0-9a-f]{1,16}$/.test(taken))
        this.#senders.set(sender, { last, taken: BigInt(`0x${taken}`) });
    }
  }

  /** Senders that are known. */
  get size(): number {
    return this.#senders.size;
  }

  verdictOf(sender: string, sequence: number): SequenceVerdict {
    const window = this.#senders.get(sender);
    if (window === undefined || sequence > window.last) return 'new';
    const behind = window.last - sequence;
    if (behind >= WINDOW) return 'older';
    return ((window.taken >> BigInt(behind)) & 1n) === 1n ? 'replayed' : 'new';
  }

  take(sender: string, sequence: number): void {
    const window = this.#senders.get(sender) ?? { last: sequence, taken: 0n };
    this.#senders.set(sender, window);
    if (sequence > window.last) {
      const ahead = sequence - window.last;
      window.taken = ahead >= WINDOW ? 0n : (window.taken << BigInt(ahead)) & MASK;
      window.last = sequence;
    }
    const behind = window.last - sequence;
    if (behind < WINDOW) window.taken |= 1n << BigInt(behind);
  }

  kept(): KeptSequences {
    return Object.fromEntries(
      [...this.#senders].map(([sender, { last, taken }]) => [sender, [last, taken.toString(16)] as const]),
    );
  }
}
