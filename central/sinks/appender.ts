import assert from 'node:assert/strict';
import { dirname, join, resolve } from 'node:path';
import type { RunId } from '../../protocol/ids.ts';
import { IntervalSet, type ReadonlyIntervalSet } from '../../protocol/intervals.ts';
import type { Clock } from '../../runtime/clock.ts';
import { MooringError } from '../../runtime/errors.ts';
import type { Log } from '../../runtime/log.ts';
import type { MountLock } from '../../runtime/mount-lock.ts';
import { claimFolder, probeMount, unfitMount } from './claim.ts';
import { CommittedFiles, foldersBetween } from './committed-files.ts';
import { type Disk, nodeDisk } from './disk.ts';
import { GroupCommit } from './group-commit.ts';
import { type LogOffsets, offsetsOf, withPosition } from './log-offsets.ts';
import type { LogPosition } from './sink.ts';
import {
  type Append,
  addTo,
  DIRECT,
  directPosition,
  type IdsByFile,
  type Item,
  type NamedLine,
  type PartChange,
  type Staged,
  stage,
  withinFileBound,
} from './staging.ts';
import { damagedState, type PartState, StateFile } from './state-file.ts';
import { WrittenIds } from './written-ids.ts';

export interface AppenderOptions {
  /** Folder that the files' paths are relative to. */
  readonly root: string;
  /** Folder of the lock and the state. */
  readonly stateDir: string;
  /** Tells whether the place holds nothing yet: only then may the state be absent. */
  readonly isEmpty: (disk: Disk) => Promise<boolean>;
  readonly clock: Clock;
  readonly log: Log;
  readonly disk?: Disk;
  /** The ids of lines that are named by id alone in a file, some at a time; left out where there are none. */
  readonly idsIn?: (file: string) => AsyncIterable<readonly string[]>;
  readonly parts?: Parts;
  /** Least time between two commits, in milliseconds. */
  readonly commitIntervalMs?: number;
  /** How long a first line waits for others, in milliseconds. */
  readonly gatherMs?: number;
}

/** Files that are closed one day, each gone on with in a further one. Left out: none ever is. */
export interface Parts {
  /** The file that lines of `file` go to now. */
  currentOf(file: string, isSealed: (part: string) => boolean): Promise<string>;
  /** Whether a file that gets lines is one of those that somebody seals and finishes. */
  readonly areSealed: boolean;
}

export type { Append, Line, NamedLine } from './staging.ts';

const COMMIT_INTERVAL_MS = 1000;
const GATHER_MS = 10;
const NOTHING: ReadonlyIntervalSet = new IntervalSet();
/** Another user's folder, or a file system that is read only or knows no sync of folders. */
const NOT_OURS: ReadonlySet<string | undefined> = new Set(['EACCES', 'EROFS', 'EINVAL']);

/**
 * Appends named lines to files, each once for ever, by one writer. A commit is: sync the data, then replace the state
 * (committed length of each file, sequences of each run, how far each log has been read). What stands beyond a committed length is cut off at the next
 * start, with a copy in the state's folder, or before the next try when a commit has failed.
 *
 * The state names a file, with its length, *before* the first byte of a commit goes there, so that no uncommitted line
 * can hide in a file that nobody knows.
 */
export class Appender {
  readonly #options: AppenderOptions;
  readonly #disk: Disk;
  readonly #stateFile: StateFile;
  readonly #files: CommittedFiles;
  readonly #ids: WrittenIds;
  #lock: MountLock | undefined;
  #group: GroupCommit<Item> | undefined;
  #runs = new Map<RunId, IntervalSet>();
  #logs: LogOffsets = {};
  #parts: ReadonlyMap<string, PartState> = new Map();
  #openings = 0;
  /** Logs of which a position waits for its commit. */
  readonly #positioned = new Set<string>();
  #isStandingBy = false;
  /** The state on disk is the one in memory, and no file is longer than it says. */
  #isClean = false;

  constructor(options: AppenderOptions) {
    const { log, disk = nodeDisk, idsIn = noIds } = options;
    const [root, stateDir] = [resolve(options.root), resolve(options.stateDir)];
    this.#options = { ...options, root, stateDir };
    this.#disk = disk;
    this.#stateFile = new StateFile(disk, stateDir);
    this.#files = new CommittedFiles({ root, asideDir: join(stateDir, 'cut'), disk, log });
    this.#ids = new WrittenIds({ idsIn });
  }

  /**
   * Takes the place over and repairs what a crash left. Stands by while another process writes there.
   * Throws `SINK_MOUNT_UNFIT`, `SINK_STATE_DAMAGED` or `SINK_FAILED`, or the signal's reason; may be called again then,
   * and after `close`.
   */
  async open(signal: AbortSignal): Promise<void> {
    assert(this.#lock === undefined, 'not opened twice');
    const { clock, commitIntervalMs, gatherMs, stateDir } = this.#options;
    const lock = await this.#claim(signal);
    try {
      // It also syncs the folder: whoever was killed right after a rename has not made that durable.
      await probeMount(this.#disk, stateDir);
      await failing(this.#restore());
      // Another process may have written since they were read.
      this.#ids.forgetAll();
    } catch (error) {
      await lock.release();
      throw error;
    }
    this.#lock = lock;
    this.#group = new GroupCommit({
      clock,
      intervalMs: commitIntervalMs ?? COMMIT_INTERVAL_MS,
      gatherMs: gatherMs ?? GATHER_MS,
      select: withinFileBound,
      commit: (items) => this.#commit(items),
    });
  }

  /**
   * Resolves when every line is durable, with how many of them were not there before. Rejects with `SINK_FAILED` when none
   * of them may be counted.
   * @param position durable in the same commit, also when no line is new. The next one of the same log has to wait for this
   */
  async append(appends: readonly Append[], position?: LogPosition, named: readonly NamedLine[] = []): Promise<number> {
    assert(this.#group !== undefined, 'opened before anything is appended');
    const item: Item = { appends, named, position, added: 0 };
    if (position === undefined) {
      await this.#group.add(item);
      return item.added;
    }
    // One that failed must not be passed by one behind it, nor may a commit choose the later one first.
    assert(!this.#positioned.has(position.log), 'a position is handed in when the one before is durable or has failed');
    this.#positioned.add(position.log);
    try {
      await this.#group.add(item);
    } finally {
      this.#positioned.delete(position.log);
    }
    return item.added;
  }

  /** Durable: the files that are to be sealed and finished. */
  parts(): ReadonlyMap<string, PartState> {
    return this.#parts;
  }

  /** Resolves when it is durable that nothing is added to a file any more, or that nobody need think of it. */
  async changePart(file: string, to: PartChange['to']): Promise<void> {
    assert(this.#group !== undefined, 'opened before anything is changed');
    await this.#group.add({ appends: [], named: [], position: undefined, added: 0, change: { file, to } });
  }

  /** Waits in `open` for another process to let go of the folder. */
  get isStandingBy(): boolean {
    return this.#isStandingBy;
  }

  /** The durable offsets to go on from, by partition; empty for a log that was never written from. */
  positions(log: string): ReadonlyMap<number, number> {
    return offsetsOf(this.#logs, log);
  }

  /** Logs that have a position. */
  logs(): readonly string[] {
    return Object.keys(this.#logs).filter((log) => log !== DIRECT);
  }

  /** Runs of which anything is durable; may be asked after `close`. */
  runs(): Iterable<RunId> {
    return this.#runs.keys();
  }

  /** Durable sequences of a run, as of now: a later commit does not change them. May be asked after `close`. */
  committed(run: RunId): ReadonlyIntervalSet {
    return this.#runs.get(run) ?? NOTHING;
  }

  /** From now on commits do not wait for others: the owner is closing. */
  hurry(): void {
    this.#group?.hurry();
  }

  /** Commits what waits and lets the next writer in. Safe whether or not `open` succeeded. */
  async close(): Promise<void> {
    await this.#group?.close();
    this.#group = undefined;
    await this.#lock?.release();
    this.#lock = undefined;
  }

  async #claim(signal: AbortSignal): Promise<MountLock> {
    const { stateDir, clock, log } = this.#options;
    try {
      await this.#disk.makeFolder(stateDir);
    } catch (cause) {
      throw unfitMount(stateDir, 'make a folder', cause);
    }
    const onStandby = (): void => {
      this.#isStandingBy = true;
    };
    try {
      return await claimFolder(this.#disk, stateDir, { clock, log, signal, onStandby });
    } finally {
      this.#isStandingBy = false;
    }
  }

  async #restore(): Promise<void> {
    const { stateDir, isEmpty } = this.#options;
    const state = await this.#stateFile.read();
    this.#files.settle(state?.files ?? new Map());
    this.#runs = new Map(state?.runs);
    this.#parts = state?.parts ?? new Map();
    this.#logs = state?.logs ?? withPosition({}, directPosition(0));
    if (state === undefined) {
      if (!(await isEmpty(this.#disk))) throw damagedState(this.#stateFile.path, 'it is gone, and its files are not');
      await this.#syncNames(stateDir);
    }
    // Another that was here without knowing that its lock was gone sees by this that it is no longer the one who writes.
    this.#openings = (state?.openings ?? 0) + 1;
    await this.#saveAgain();
    await this.#files.putTailsAside();
    this.#isClean = true;
  }

  async #commit(items: readonly Item[]): Promise<void> {
    const idsThere = await failing(this.#idsThere(items));
    const staged = stage(items, { committed: (run) => this.committed(run), logs: this.#logs, idsThere });
    const changes = items.flatMap(({ change }) => change ?? []);
    if (staged.count === 0 && staged.logs === this.#logs && changes.length === 0) return;
    await failing(this.#write(staged, changes));
  }

  /** By file: which ids of the named lines stand there already. */
  async #idsThere(items: readonly Item[]): Promise<IdsByFile> {
    const asked: IdsByFile = new Map();
    for (const { id, file } of items.flatMap(({ named }) => named)) addTo(asked, file, id);
    if (asked.size === 0) return asked;
    // What a failed commit has left in a file is nobody's.
    await this.#requireLock();
    if (!this.#isClean) await this.#repair();
    for (const [file, ids] of asked) asked.set(file, await this.#ids.there(file, ids));
    return asked;
  }

  async #write({ texts: byFile, ids, runs, logs }: Staged, changes: readonly PartChange[]): Promise<void> {
    await this.#requireLock();
    if (!this.#isClean) await this.#repair();
    const parts = new Map(this.#parts);
    for (const { file, to } of changes) {
      if (to === 'sealed') parts.set(file, to);
      else parts.delete(file);
    }
    const texts = await this.#inParts(byFile, parts);
    this.#isClean = false;
    this.#files.forget(changes.map(({ file }) => file));
    if (await this.#files.adopt(texts.keys())) await this.#saveAgain();

    const lengths = await this.#files.extend(texts);
    const allRuns = new Map([...this.#runs, ...runs]);
    await this.#requireLock(false);
    await this.#stateFile.replace({ logs, files: lengths, runs: allRuns, parts, openings: this.#openings });
    this.#files.settle(lengths);
    for (const [file, added] of ids) this.#ids.add(file, added);
    this.#runs = allRuns;
    this.#logs = logs;
    this.#parts = parts;
    this.#isClean = true;
  }

  /** Whoever lost the lock may have a successor, which has cut off and continued the files: it must not touch them. */
  async #requireLock(mayClaim = true): Promise<void> {
    const state = await this.#lock?.state();
    if (state === 'gone' && mayClaim) await this.#claimAgain();
    // Held again is not held all the time.
    else if (state !== 'held' || (await this.#stateFile.owner()) === 'another') throw this.#lockLost();
  }

  /** The mount has come back without the lock. Where nobody else has written meanwhile, it goes on. */
  async #claimAgain(): Promise<void> {
    // Where the lock outlives the open file, it would stand in its own way.
    await this.#lock?.release();
    let lock: MountLock;
    try {
      lock = await this.#disk.lock(join(this.#options.stateDir, 'lock'));
    } catch (cause) {
      throw this.#lockLost(cause);
    }
    if ((await this.#stateFile.owner()) !== 'own') {
      await lock.release();
      throw this.#lockLost();
    }
    this.#options.log.warn({ folder: this.#options.stateDir }, 'the mount was gone: the lock is taken again');
    this.#lock = lock;
    this.#isClean = false;
    this.#ids.forgetAll();
  }

  #lockLost(cause?: unknown): MooringError {
    return new MooringError('SINK_FAILED', 'the lock is lost: another process may write here by now', {
      cause,
      context: { folder: this.#options.stateDir },
      hint: 'Restart this process. Never remove a lock file: the kernel frees the lock of a process that has ended.',
    });
  }

  /**
   * After a failed commit nobody knows which state the disk has: it may already name lines that were never confirmed.
   * So the state that memory has goes there before any of them is cut off.
   */
  async #repair(): Promise<void> {
    await this.#saveAgain();
    await this.#files.cutTails();
    this.#isClean = true;
  }

  /**
   * Makes the names of a new folder and of those above it durable: any of them may have been made just now, or by a
   * process that was killed right here. Ends where the folders are no longer ours to sync, and so not ours to make.
   */
  async #syncNames(folder: string): Promise<void> {
    for (const above of foldersBetween('/', dirname(folder)).reverse()) {
      try {
        await this.#disk.syncFolder(above);
      } catch (error) {
        if (NOT_OURS.has((error as NodeJS.ErrnoException).code)) return;
        throw error;
      }
    }
  }

  /** By the part that lines go to now, which is one of `parts` from then on, where there are any. */
  async #inParts(texts: Staged['texts'], parts: Map<string, PartState>): Promise<Staged['texts']> {
    const { parts: plan } = this.#options;
    if (plan === undefined) return texts;
    const inParts = new Map<string, readonly string[]>();
    for (const [file, lines] of texts) {
      const part = await plan.currentOf(file, (each) => parts.get(each) === 'sealed');
      inParts.set(part, lines);
      if (plan.areSealed) parts.set(part, 'open');
    }
    return inParts;
  }

  /** The state that memory has. */
  async #saveAgain(): Promise<void> {
    const { lengths: files } = this.#files;
    const openings = this.#openings;
    await this.#stateFile.replace({ logs: this.#logs, files, runs: this.#runs, parts: this.#parts, openings });
  }
}

/** Gives a failure of the disk the sink's code. */
async function failing<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (cause) {
    if (!isSystemError(cause)) throw cause;
    throw new MooringError('SINK_FAILED', 'the sink could not write', {
      cause,
      context: { path: cause.path, reason: cause.code },
      hint: cause.code === 'ENOSPC' || cause.code === 'EDQUOT' ? 'The disk is full. Make room.' : 'Check the disk.',
    });
  }
}

function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'syscall' in error && 'code' in error;
}

async function* noIds(): AsyncGenerator<readonly string[]> {
  yield [];
}
