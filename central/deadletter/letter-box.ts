import type { LogSpan } from '../recordlog/kafka/client.ts';
import { type Letter, type LetterHead, letterOf } from './letter.ts';
import { readLetterFiles } from './letter-files.ts';
import { type LetterTopicOptions, readLetterTopic } from './letter-topic.ts';

/** Which letters; what is left out does not matter. */
export interface LetterFilter {
  readonly source?: string | undefined;
  readonly gateway?: string | undefined;
  readonly sink?: string | undefined;
  readonly code?: string | undefined;
  /** Received at this time or later: UTC, milliseconds since 1970. */
  readonly sinceMs?: number | undefined;
  /** Those too that were replayed. */
  readonly all?: boolean | undefined;
}

/** A letter, and whether it was put back on its way. */
export interface ListedLetter extends LetterHead {
  readonly replayed: boolean;
}

/** Bytes of letters that are held at once to be replayed. */
const BYTES_MAX = 64 * 2 ** 20;

/** The letters of a centre, wherever they stand. */
export class LetterBox {
  readonly #folder: string;
  readonly #topic: LetterTopicOptions | undefined;

  /**
   * @param folder `deadletter` below `state`
   * @param topic undefined where there is no Kafka
   */
  constructor(folder: string, topic: LetterTopicOptions | undefined) {
    this.#folder = folder;
    this.#topic = topic;
  }

  /** Those that the filter lets through, oldest first. Rejects with `LOG_FAILED` and `STATE_FAILED`. */
  async list(filter: LetterFilter): Promise<readonly ListedLetter[]> {
    const found: LetterHead[] = [];
    const replayed = new Set<string>();
    await this.#read((id, line) => {
      const letter = letterOf(id, line);
      if ('replayOf' in letter) replayed.add(letter.replayOf);
      else if (matches(letter, filter)) found.push(headOf(letter));
    });
    return found
      .map((head) => ({ ...head, replayed: replayed.has(head.id) }))
      .filter((letter) => filter.all === true || !letter.replayed)
      .sort((a, b) => (a.time < b.time ? -1 : Number(a.time > b.time)));
  }

  /** Whole letters by id; those that are not there are absent, and so is what would be more than 64 MiB together. */
  async letters(ids: readonly string[]): Promise<ReadonlyMap<string, Letter>> {
    const wanted = new Set(ids);
    const found = new Map<string, Letter>();
    let bytes = 0;
    await this.#read((id, line) => {
      if (!wanted.has(id) || (bytes > 0 && bytes + line.length > BYTES_MAX)) return;
      const letter = letterOf(id, line);
      if ('replayOf' in letter) return;
      bytes += line.length;
      found.set(id, letter);
    }, spansOf(ids));
    return found;
  }

  async #read(onLine: (id: string, line: string) => void, within?: ReadonlyMap<number, LogSpan>): Promise<void> {
    await readLetterFiles(this.#folder, onLine);
    if (this.#topic !== undefined) await readLetterTopic(this.#topic, onLine, within);
  }
}

const TOPIC_ID = /^(\d+)-(\d+)$/;

/** The partition that a letter of the topic stands in; undefined for one of a file. */
export function partitionOfLetter(id: string): number | undefined {
  const partition = TOPIC_ID.exec(id)?.[1];
  return partition === undefined ? undefined : Number(partition);
}

function spansOf(ids: readonly string[]): ReadonlyMap<number, LogSpan> {
  const spans = new Map<number, LogSpan>();
  for (const id of ids) {
    const [, partition, offset] = TOPIC_ID.exec(id) ?? [];
    if (partition === undefined) continue;
    const { first, end } = spans.get(Number(partition)) ?? { first: Number(offset), end: 0 };
    spans.set(Number(partition), { first: Math.min(first, Number(offset)), end: Math.max(end, Number(offset) + 1) });
  }
  return spans;
}

function matches(letter: LetterHead, { source, gateway, sink, code, sinceMs }: LetterFilter): boolean {
  const { kind, origin } = letter;
  if (source !== undefined && !(kind === 'source' && origin === source)) return false;
  if (gateway !== undefined && !(kind === 'gateway' && origin === gateway)) return false;
  if (sink !== undefined && !(kind === 'sink' && origin === sink)) return false;
  if (code !== undefined && letter.code !== code) return false;
  // What does not say when it came is not left out.
  return sinceMs === undefined || !(Date.parse(letter.time) < sinceMs);
}

function headOf({ body: _, ...head }: Letter): LetterHead {
  return head;
}
