import type { ConsumedMessage } from '../../recordlog/kafka/client.ts';

export interface PartitionWindowOptions {
  /** The offset that is read first. */
  readonly first: number;
  /** Messages that are under way at once. */
  readonly messagesMax: number;
  /** Resolves when the message is stored; may reject once the signal is aborted, and otherwise for a bug only. */
  readonly take: (message: ConsumedMessage, over: AbortSignal) => Promise<void>;
  /** Reads nothing more of the partition, or goes on. */
  readonly hold: (isFull: boolean) => void;
}

/** Of messages that are under way; one alone may have more. */
const BYTES_MAX = 8 * 2 ** 20;

interface UnderWay {
  readonly offset: number;
  readonly bytes: number;
  isDone: boolean;
}

/** One partition between its topic and the intake: so many messages under way at once, and the offset up to which all are stored. */
export class PartitionWindow {
  /** The offset that was committed last. */
  committed: number;
  readonly #options: PartitionWindowOptions;
  readonly #over = new AbortController();
  readonly #idle = new Set<() => void>();
  /** In the order of their offsets. */
  readonly #underWay: UnderWay[] = [];
  #backlog: readonly ConsumedMessage[] = [];
  #bytes = 0;
  #next: number;
  #isHeld = false;
  #isDraining = false;

  constructor(options: PartitionWindowOptions) {
    this.#options = options;
    this.committed = options.first;
    this.#next = options.first;
  }

  /** Everything before it is stored. */
  get next(): number {
    return this.#next;
  }

  get waiting(): number {
    return this.#underWay.length + this.#backlog.length;
  }

  add(messages: readonly ConsumedMessage[]): void {
    this.#backlog = [...this.#backlog, ...messages];
    this.#fill();
  }

  /** Begins nothing more; resolves when what is under way is stored. */
  async drain(): Promise<void> {
    this.#isDraining = true;
    this.#backlog = [];
    if (this.#underWay.length === 0) return;
    await new Promise<void>((resolve) => this.#idle.add(resolve));
  }

  /** It is somebody else's now: what is under way counts no more. */
  end(): void {
    this.#over.abort();
    this.#backlog = [];
    this.#underWay.splice(0);
    this.#tellIdle();
  }

  #fill(): void {
    let begun = 0;
    for (const message of this.#backlog) {
      if (this.#isFull) break;
      begun += 1;
      void this.#begin(message);
    }
    this.#backlog = this.#backlog.slice(begun);
    const isHeld = this.#backlog.length > 0;
    if (isHeld !== this.#isHeld) this.#options.hold(isHeld);
    this.#isHeld = isHeld;
  }

  async #begin(message: ConsumedMessage): Promise<void> {
    const one: UnderWay = { offset: message.offset, bytes: message.value.length, isDone: false };
    this.#underWay.push(one);
    this.#bytes += one.bytes;
    const { signal } = this.#over;
    try {
      await this.#options.take(message, signal);
    } catch (error) {
      if (!signal.aborted) throw error;
    }
    if (!signal.aborted) this.#done(one);
  }

  #done(one: UnderWay): void {
    one.isDone = true;
    const first = this.#underWay.findIndex(({ isDone }) => !isDone);
    for (const { offset, bytes } of this.#underWay.splice(0, first < 0 ? this.#underWay.length : first)) {
      this.#bytes -= bytes;
      this.#next = offset + 1;
    }
    if (this.#underWay.length === 0) this.#tellIdle();
    if (!this.#isDraining) this.#fill();
  }

  #tellIdle(): void {
    for (const tell of this.#idle) tell();
    this.#idle.clear();
  }

  get #isFull(): boolean {
    const { messagesMax } = this.#options;
    return this.#underWay.length >= messagesMax || (this.#underWay.length > 0 && this.#bytes >= BYTES_MAX);
  }
}
