export interface WrittenIdsOptions {
  /** The ids in a file, some at a time. */
  readonly idsIn: (file: string) => AsyncIterable<readonly string[]>;
  /** Ids that are held in memory at the most, of some 60 bytes each; 1,000,000 when left out. */
  readonly idsMax?: number;
}

const IDS_MAX = 1_000_000;

/**
 * Which ids stand in a file, read from the file itself when it is first asked about: nothing is kept beside the files that
 * could contradict them. The files asked about last are remembered, as far as there is room; one that has more ids than that
 * is read through each time.
 */
export class WrittenIds {
  readonly #options: Required<WrittenIdsOptions>;
  /** The one asked about last comes last. */
  readonly #held = new Map<string, Set<string>>();
  #count = 0;

  constructor(options: WrittenIdsOptions) {
    this.#options = { idsMax: IDS_MAX, ...options };
  }

  /** Those of `asked` that the file has. Rejects with what reading it rejects with. */
  async there(file: string, asked: ReadonlySet<string>): Promise<Set<string>> {
    const held = this.#held.get(file);
    if (held !== undefined) {
      this.#held.delete(file);
      this.#held.set(file, held);
      return new Set([...asked].filter((id) => held.has(packed(id))));
    }
    const found = new Set<string>();
    let all: Set<string> | undefined = new Set();
    for await (const ids of this.#options.idsIn(file)) {
      for (const id of ids) {
        if (asked.has(id)) found.add(id);
        all?.add(packed(id));
      }
      if (all !== undefined && all.size > this.#options.idsMax) all = undefined;
    }
    if (all !== undefined) this.#hold(file, all);
    return found;
  }

  /** The file has these too now. */
  add(file: string, ids: Iterable<string>): void {
    const held = this.#held.get(file);
    if (held === undefined) return;
    this.#held.delete(file);
    this.#count -= held.size;
    for (const id of ids) held.add(packed(id));
    this.#hold(file, held);
  }

  /** Somebody else may have written. */
  forgetAll(): void {
    this.#held.clear();
    this.#count = 0;
  }

  #hold(file: string, ids: Set<string>): void {
    this.#held.set(file, ids);
    this.#count += ids.size;
    for (const [oldest, { size }] of this.#held) {
      if (this.#count <= this.#options.idsMax) return;
      this.#held.delete(oldest);
      this.#count -= size;
    }
  }
}

/** The sixteen bytes of a UUID, as a text that takes half the memory. */
function packed(id: string): string {
  return Buffer.from(id.replaceAll('-', ''), 'hex').toString('latin1');
}
