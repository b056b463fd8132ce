import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import type { RejectCode } from '../../protocol/ack.ts';
import { runIdOf, SALT_BYTES } from '../../protocol/ids.ts';
import { type Range, rangesOf } from '../../protocol/intervals.ts';
import type { Observation } from '../../protocol/record.ts';
import type { Clock } from '../../runtime/clock.ts';
import { MooringError } from '../../runtime/errors.ts';
import { type FileLock, lockFile } from '../../runtime/lock.ts';
import type { Log } from '../../runtime/log.ts';
import type { Random } from '../../runtime/random.ts';
import { fittingCount } from './batch-bounds.ts';
import { groupBytesOf } from './budget.ts';
import { requireNodeApi } from './connection.ts';
import { GroupQueue } from './group-queue.ts';
import { ObservationCheck } from './observation-check.ts';
import { unpacked } from './packing.ts';
import type { Appended, AppendOptions, Current, Lane, Store, StoreStats, TakeLimits, Taken } from './store.ts';
import type { Group, GroupOutcome, PackedTaken, StoreFileOptions } from './store-file.ts';
import { StoreThread } from './store-thread.ts';

export interface SqliteStoreOptions extends Omit<StoreFileOptions, 'salt'> {
  /** How long a record may wait for others to share its commit, in milliseconds: the loss window. */
  readonly lingerMs: number;
  readonly random: Random;
  readonly clock: Clock;
  readonly log: Log;
  /** Labels the `gap` records that the store writes by itself. */
  readonly label: () => Pick<Observation, 'timestampMs' | 'clock'>;
  /** Called once when the store's thread has died: nothing can be stored any more, and the process should end. */
  readonly onDied?: (error: MooringError) => void;
  /**
   * How long a few settled rows may wait for a record to share its commit, in milliseconds; 1 s, or the linger where that
   * is longer, when left out. What a crash loses of it is sent again.
   */
  readonly settleGatherMs?: number;
}

const SETTLE_GATHER_MS = 1000;

/**
 * The gateway's store: SQLite in a thread of its own, which alone waits for the disk. Here, on the main thread, records are
 * checked, packed and gathered into commits, and the lock is held.
 */
export class SqliteStore implements Store {
  readonly #options: SqliteStoreOptions;
  readonly #check = new ObservationCheck();
  #lock: FileLock | undefined;
  #opened: { readonly thread: StoreThread; readonly queue: GroupQueue } | undefined;

  constructor(options: SqliteStoreOptions) {
    this.#options = options;
  }

  async open(): Promise<Current> {
    assert(this.#lock === undefined, 'not opened twice');
    requireNodeApi();
    const { path, gateway, forwarders, budgetBytes, random, log, onDied } = this.#options;
    this.#lock = claim(path);
    const salt = random.bytes(SALT_BYTES);
    const thread = new StoreThread({ path, gateway, forwarders, budgetBytes, salt }, (error) => onDied?.(error));
    try {
      const { previous, bytes } = await thread.opened;
      this.#opened = { thread, queue: this.#makeQueue(thread) };
      if (bytes > budgetBytes) {
        log.warn({ path, bytes, bytesMax: budgetBytes }, 'the store is larger than its budget: its rows give way');
      }
      return { run: runIdOf(gateway, salt), salt, ...(previous === undefined ? {} : { previous }) };
    } catch (error) {
      await thread.ended();
      this.#unlock();
      throw error;
    }
  }

  async append(observations: readonly Observation[], { urgent }: AppendOptions): Promise<Appended> {
    assert(observations.length > 0, 'an append has something to append');
    const { queue } = this.#open();
    for (const observation of observations) this.#check.require(observation);
    return await queue.append(observations, urgent || observations.some(({ kind }) => kind !== 'sample'));
  }

  async flush(): Promise<void> {
    this.#open().queue.flush();
  }

  async take(forwarder: string, lane: Lane, limits: TakeLimits): Promise<Taken | undefined> {
    const nowMs = this.#options.clock.monotonicMs();
    const { thread } = this.#open();
    const taken = await thread.ask<PackedTaken | undefined>({ ask: 'take', forwarder, lane, limits, nowMs });
    if (taken === undefined) return undefined;
    const { run, salt, sequences, missing } = taken;
    const lost = [...missing];
    const records = unpacked(taken, sequences, (sequence) => lost.push(sequence));
    if (lost.length > 0) this.#declareLost(forwarder, taken, lost);
    if (records.length === 0) return await this.take(forwarder, lane, limits);
    const count = fittingCount(records);
    if (count < records.length) {
      const tooMany = records.slice(count).map(({ sequence }) => sequence);
      await thread.ask({ ask: 'release', forwarder, salt, ranges: rangesOf(tooMany) });
    }
    return { run, salt, lane, records: records.slice(0, count) };
  }

  async release(forwarder: string, salt: Uint8Array, ranges: readonly Range[]): Promise<void> {
    await this.#inOrder().ask({ ask: 'release', forwarder, salt, ranges });
  }

  async hold(forwarder: string, salt: Uint8Array, ranges: readonly Range[]): Promise<void> {
    await this.#inOrder().ask({ ask: 'hold', forwarder, salt, ranges });
  }

  async settle(forwarder: string, salt: Uint8Array, ranges: readonly Range[]): Promise<number> {
    return await this.#open().queue.settle({ forwarder, salt, ranges });
  }

  async reject(forwarder: string, salt: Uint8Array, ranges: readonly Range[], code: RejectCode): Promise<number> {
    return await this.#open().queue.settle({ forwarder, salt, ranges, waived: { reason: 'rejected', code } });
  }

  async stats(): Promise<StoreStats> {
    return await this.#open().thread.ask({ ask: 'stats' });
  }

  async close(): Promise<void> {
    if (this.#opened === undefined) return;
    const { thread, queue } = this.#opened;
    queue.flush();
    this.#opened = undefined;
    try {
      if (!thread.hasEnded) await thread.ask({ ask: 'close' });
      await thread.ended();
    } finally {
      this.#unlock();
    }
  }

  #makeQueue(thread: StoreThread): GroupQueue {
    const { clock, lingerMs, settleGatherMs, budgetBytes, label } = this.#options;
    return new GroupQueue({
      clock,
      lingerMs,
      settleGatherMs: settleGatherMs ?? Math.max(SETTLE_GATHER_MS, lingerMs),
      groupBytes: groupBytesOf(budgetBytes),
      label,
      commit: async (group) => await this.#commit(thread, group),
    });
  }

  async #commit(thread: StoreThread, group: Group): Promise<GroupOutcome> {
    const outcome = await thread.ask<GroupOutcome>({ ask: 'commit', group }, [group.records.bodies.buffer]);
    const { dropped } = outcome;
    if (dropped > 0) this.#options.log.warn({ dropped }, 'the budget is full: the oldest records give way, unsent');
    return outcome;
  }

  /** Nobody is to wait for what cannot be read. Where that cannot be stored, the next start comes upon it again. */
  #declareLost(forwarder: string, { run, salt }: PackedTaken, sequences: readonly number[]): void {
    const { path, log } = this.#options;
    const ranges = rangesOf([...sequences].sort((one, other) => one - other));
    const fields = { code: 'STORE_DAMAGED', path, run, ranges };
    log.error(fields, 'records of the store cannot be read: they are declared lost');
    const { queue } = this.#open();
    queue.settle({ forwarder, salt, ranges, waived: { reason: 'lost' } }).catch((err: unknown) => {
      log.error({ ...fields, err }, 'records of the store cannot be read, nor declared lost');
    });
  }

  #open(): { readonly thread: StoreThread; readonly queue: GroupQueue } {
    if (this.#opened === undefined) throw new MooringError('STORE_CLOSED', 'the store is closed');
    return this.#opened;
  }

  /** The thread, after everything that was settled before: what is asked next may be about the same rows. */
  #inOrder(): StoreThread {
    const { thread, queue } = this.#open();
    if (queue.hasSettlements) queue.flush();
    return thread;
  }

  #unlock(): void {
    this.#lock?.release();
    this.#lock = undefined;
  }
}

/** Throws `STORE_IN_USE` where another process has the store open, `STORE_FAILED` where its folder cannot be made. */
function claim(path: string): FileLock {
  try {
    mkdirSync(dirname(path), { recursive: true });
    return lockFile(`${path}.lock`);
  } catch (cause) {
    if (cause instanceof MooringError && cause.code !== 'LOCK_HELD') throw cause;
    const context = { path };
    if (!(cause instanceof MooringError)) {
      const hint = 'Check that this user may write there.';
      throw new MooringError('STORE_FAILED', "the store's folder cannot be made", { cause, context, hint });
    }
    const hint = 'Only one gateway can have a store. Stop the other one, or name another path.';
    throw new MooringError('STORE_IN_USE', 'another process has the store open', { cause, context, hint });
  }
}
