import { countOf } from '../../protocol/intervals.ts';
import type { Observation } from '../../protocol/record.ts';
import type { Clock } from '../../runtime/clock.ts';
import { MooringError } from '../../runtime/errors.ts';
import { Packer } from './packing.ts';
import type { Appended } from './store.ts';
import type { Group, GroupOutcome, Settlement } from './store-file.ts';

export interface GroupQueueOptions {
  readonly clock: Clock;
  /** How long a record may wait for others, in milliseconds. */
  readonly lingerMs: number;
  /** How long a few settled rows may wait for records to take them along, in milliseconds. */
  readonly settleGatherMs: number;
  /** Bytes of bodies in one group. */
  readonly groupBytes: number;
  readonly label: () => Group['label'];
  readonly commit: (group: Group) => Promise<GroupOutcome>;
}

/** So many records wait for no linger: the longer they waited, the more a crash would take, for no fewer pages written. */
const RECORDS_MAX = 1000;
/** So many settled rows are worth a commit of their own. */
const SETTLED_ROWS_MAX = 64;

interface Waiting<T> {
  readonly resolve: (value: T) => void;
  readonly reject: (error: unknown) => void;
}

/** A group that still grows. */
interface Gathering {
  readonly packer: Packer;
  readonly appends: ({ readonly count: number; readonly urgent: boolean } & Waiting<Appended>)[];
  readonly settlements: (Settlement & Waiting<number>)[];
  settledRows: number;
  /** When it has to be committed at the latest, on the monotonic clock. */
  dueMs: number;
}

/**
 * Gathers what is to be made durable: whatever comes while a commit runs goes into the next one, and a linger makes single
 * records wait for each other. What is urgent waits for nothing and takes along what waits.
 */
export class GroupQueue {
  readonly #options: GroupQueueOptions;
  #gathering: Gathering = gathering();
  /** Full groups, oldest first. */
  #full: Gathering[] = [];
  #running = 0;
  #isScheduled = false;
  #cancelTimer: (() => void) | undefined;

  constructor(options: GroupQueueOptions) {
    this.#options = options;
  }

  /** The observations have been checked. */
  append(observations: readonly Observation[], urgent: boolean): Promise<Appended> {
    return new Promise((resolve, reject) => {
      if (this.#gathering.packer.bytes >= this.#options.groupBytes) this.#seal();
      const { packer, appends } = this.#gathering;
      for (const observation of observations) packer.add(observation);
      appends.push({ count: observations.length, urgent, resolve, reject });
      this.#due(urgent || packer.count >= RECORDS_MAX ? 0 : this.#options.lingerMs);
    });
  }

  /** Returns how many rows it has freed. */
  settle(settlement: Settlement): Promise<number> {
    return new Promise((resolve, reject) => {
      const group = this.#gathering;
      group.settlements.push({ ...settlement, resolve, reject });
      group.settledRows += countOf(settlement.ranges);
      const isWorthIt = settlement.waived !== undefined || group.settledRows >= SETTLED_ROWS_MAX;
      this.#due(isWorthIt ? 0 : this.#options.settleGatherMs);
    });
  }

  /** Hands everything over at once, though a commit may be running. */
  flush(): void {
    this.#seal();
    while (this.#full.length > 0) this.#start();
  }

  get hasSettlements(): boolean {
    return [...this.#full, this.#gathering].some(({ settlements }) => settlements.length > 0);
  }

  #due(afterMs: number): void {
    const { clock } = this.#options;
    const dueMs = clock.monotonicMs() + afterMs;
    if (afterMs === 0 || dueMs < this.#gathering.dueMs) {
      this.#gathering.dueMs = Math.min(dueMs, this.#gathering.dueMs);
      this.#cancelTimer?.();
      this.#cancelTimer = afterMs === 0 ? undefined : clock.after(afterMs, () => this.#timeout());
    }
    if (afterMs === 0 || this.#full.length > 0) this.#schedule();
  }

  #timeout(): void {
    this.#cancelTimer = undefined;
    this.#next();
  }

  /** Once everybody whose turn it is has spoken: they are to share the commit. */
  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    queueMicrotask(() => {
      this.#isScheduled = false;
      this.#next();
    });
  }

  #next(): void {
    if (this.#running > 0) return;
    const isDue = this.#cancelTimer === undefined && this.#gathering.dueMs < Number.POSITIVE_INFINITY;
    if (this.#full.length === 0 && isDue) this.#seal();
    if (this.#full.length > 0) this.#start();
  }

  #seal(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    if (this.#gathering.dueMs === Number.POSITIVE_INFINITY) return;
    this.#full.push(this.#gathering);
    this.#gathering = gathering();
  }

  #start(): void {
    const group = this.#full.shift();
    if (group === undefined) return;
    this.#running += 1;
    const { clock, label, commit } = this.#options;
    commit({
      nowMs: clock.monotonicMs(),
      label: label(),
      records: group.packer.packed(),
      appends: group.appends.map(({ count, urgent }) => ({ count, urgent })),
      settlements: group.settlements.map(({ resolve: _, reject: __, ...settlement }) => settlement),
    }).then(
      (outcome) => this.#answered(() => conclude(group, outcome)),
      (error: unknown) => this.#answered(() => refuse(group, error)),
    );
  }

  #answered(tell: () => void): void {
    this.#running -= 1;
    // The next commit begins before anybody is told, who may have the next record ready but takes time over it.
    this.#next();
    tell();
  }
}

function gathering(): Gathering {
  return { packer: new Packer(), appends: [], settlements: [], settledRows: 0, dueMs: Number.POSITIVE_INFINITY };
}

function conclude({ appends, settlements }: Gathering, { firsts, settled }: GroupOutcome): void {
  for (const [index, { count, resolve, reject }] of appends.entries()) {
    const first = firsts?.[index];
    if (first === undefined) reject(noRoom());
    else resolve({ first, last: first + count - 1 });
  }
  for (const [index, { resolve }] of settlements.entries()) resolve(settled[index] as number);
}

function refuse({ appends, settlements }: Gathering, error: unknown): void {
  for (const { reject } of [...appends, ...settlements]) reject(error);
}

function noRoom(): MooringError {
  return new MooringError('STORE_FULL', 'the budget is full, and nothing in it may give way', {
    hint: 'Raise `budget`: all that the store holds is on its way.',
  });
}
