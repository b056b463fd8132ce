import type { RunId } from '../../protocol/ids.ts';
import { IntervalSet, type ReadonlyIntervalSet } from '../../protocol/intervals.ts';
import { type LogOffsets, offsetsOf, withPosition } from './log-offsets.ts';
import type { LogPosition } from './sink.ts';

/** Lines of one run. */
export interface Append {
  readonly run: RunId;
  readonly lines: readonly Line[];
}

export interface Line {
  /** The name of the line within its run: a second line of that name is not written. */
  readonly sequence: number;
  /** Relative path of the file that it belongs to. */
  readonly file: string;
  /** Without the newline. */
  readonly text: string;
}

/** A line that has no place in a run: a second one of that id is not written to the same file. */
export interface NamedLine {
  readonly id: string;
  readonly file: string;
  readonly text: string;
}

/**
 * Each file of a commit costs a sync or more, and everybody in it waits for all of them: backlogs of more files than this
 * go one after the other, and those that wait meanwhile with their few files, as what is live does, go along.
 */
const FILES_PER_COMMIT_MAX = 256;
const FEW_FILES = 4;
/** The log that records come from without a broker, and its only partition. */
export const DIRECT = 'direct';
const DIRECT_PARTITION = 0;
/** What becomes of a file that is to become something else. */
export interface PartChange {
  readonly file: string;
  readonly to: 'sealed' | 'finished';
}

/** What waits for a commit. */
export interface Item {
  readonly appends: readonly Append[];
  readonly named: readonly NamedLine[];
  readonly position: LogPosition | undefined;
  readonly change?: PartChange;
  /** Lines that it brings and nobody before it. */
  added: number;
}

export interface Staged {
  readonly texts: ReadonlyMap<string, readonly string[]>;
  /** Of its named lines, by file. */
  readonly ids: IdsByFile;
  readonly runs: ReadonlyMap<RunId, IntervalSet>;
  readonly count: number;
  readonly logs: LogOffsets;
}

/** What is durable before a commit. */
export interface Standing {
  readonly committed: (run: RunId) => ReadonlyIntervalSet;
  readonly logs: LogOffsets;
  /** By file: ids of the named lines that stand there. */
  readonly idsThere: IdsByFile;
}

/** Sorts what is new by file, and adds it to copies of the runs' sequences and of the logs' offsets. */
export function stage(items: readonly Item[], { committed, logs, idsThere }: Standing): Staged {
  const texts = new Map<string, string[]>();
  const ids: IdsByFile = new Map();
  const runs = new Map<RunId, IntervalSet>();
  let positions = logs;
  let direct = offsetsOf(logs, DIRECT).get(DIRECT_PARTITION) ?? 0;
  let count = 0;
  for (const item of items) {
    for (const { run, lines } of item.appends) {
      const sequences = runs.get(run) ?? new IntervalSet(committed(run).ranges());
      runs.set(run, sequences);
      for (const { sequence, file, text } of lines) {
        if (sequences.add(sequence) === 0) continue;
        push(texts, file, text);
        item.added += 1;
      }
    }
    for (const { id, file, text } of item.named) {
      if (idsThere.get(file)?.has(id) || ids.get(file)?.has(id)) continue;
      addTo(ids, file, id);
      push(texts, file, text);
      item.added += 1;
    }
    count += item.added;
    if (item.position === undefined) direct += item.added;
    else positions = withPosition(positions, item.position);
  }
  return { texts, ids, runs, count, logs: withPosition(positions, directPosition(direct)) };
}

export type IdsByFile = Map<string, Set<string>>;

export function addTo(sets: IdsByFile, file: string, id: string): void {
  const ids = sets.get(file);
  if (ids === undefined) sets.set(file, new Set([id]));
  else ids.add(id);
}

function push(texts: Map<string, string[]>, file: string, text: string): void {
  const inFile = texts.get(file);
  if (inFile === undefined) texts.set(file, [text]);
  else inFile.push(text);
}

export function directPosition(offset: number): LogPosition {
  return { log: DIRECT, offsets: new Map([[DIRECT_PARTITION, offset]]) };
}

/** Says of each item in turn whether it goes into one commit. */
export function withinFileBound(): (item: Item) => boolean {
  const taken = new Set<string>();
  return ({ appends, named }) => {
    const files = new Set([...appends.flatMap(({ lines }) => lines), ...named].map(({ file }) => file));
    if (files.size <= FEW_FILES) return true;
    const added = [...files].filter((file) => !taken.has(file));
    if (taken.size > 0 && taken.size + added.length > FILES_PER_COMMIT_MAX) return false;
    for (const file of added) taken.add(file);
    return true;
  };
}
