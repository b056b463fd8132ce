import { encodeAck } from '../../protocol/ack-codec.ts';
import type { RunId } from '../../protocol/ids.ts';
import { countOf, IntervalSet, type Range } from '../../protocol/intervals.ts';
import type { Clock } from '../../runtime/clock.ts';
import type { HeldRecords } from '../recordlog/recordlog.ts';
import { AckPace } from './ack-pace.ts';
import { acksOf, type BatchAddress, type Verdict } from './answer.ts';

/** Where answers about a run go: by the newest batch of it that a forwarder has sent to this copy. */
export interface Asker {
  /** What the acks begin with. */
  readonly address: BatchAddress;
  /** The same for all batches of one forwarder. */
  readonly way: object;
  readonly answer: (ack: Uint8Array) => void;
}

export interface HeldRunsOptions {
  readonly records: HeldRecords;
  readonly clock: Clock;
  /** Records that came here and were held are stored now: so many for the first time. */
  readonly onStored: (count: number) => void;
  /** Records that came here and were held will never be stored. */
  readonly onRejected: (count: number) => void;
  /** Records came again while they were held. */
  readonly onRepeated: (count: number) => void;
  /** Ranges that are remembered at once, each run counting for one more; 65,536 when left out. */
  readonly rangesMax?: number;
}

interface HeldRun {
  readonly id: RunId;
  /** By way. */
  readonly askers: Map<object, Asker>;
  /** Said to be held, or to be said so soon, by this copy; and nothing else since. */
  told: IntervalSet;
  /** Of these, what came here in a batch. */
  own: IntervalSet;
  /** Of these, what has not been said yet. */
  unsaid: IntervalSet;
  /** Calls for the batches that this was in, once it is said. */
  waiting: (() => void)[];
  renewals: number;
  renewMs: number;
  lookMs: number;
  cancelLook: () => void;
}

/** What comes within so long is answered together, in milliseconds: a gateway has a window, and gives up after 20 s. */
const TOGETHER_MS = 1000;
/** So many batches, or records, do not wait for more. */
const BATCHES_MAX = 64;
const UNSAID_MAX = 16_384;
/**
 * How often `held` is said again of all that is held of a run, which is good for ten minutes, in milliseconds. Early at
 * first: another process may have said it last, and its word may end soon.
 */
const RENEW_MS = [10_000, 60_000, 300_000] as const;
const RANGES_MAX = 65_536;
/** Ways of one gateway. */
const ASKERS_MAX = 4;

/**
 * What was answered `held`, by run: says it again while it waits, so that nothing is sent twice, and `stored` or `rejected`
 * when that is known; in few acks, as one may speak of a whole run. So it does with what other copies have held of a run that
 * it hears of: they may be gone. Beyond the bound nothing is remembered: gateways send it again when the ten minutes are over.
 */
export class HeldRuns {
  readonly #options: HeldRunsOptions;
  readonly #rangesMax: number;
  readonly #runs = new Map<RunId, HeldRun>();
  readonly #pace: AckPace;
  #ranges = 0;
  #isClosed = false;

  constructor(options: HeldRunsOptions) {
    this.#options = options;
    this.#rangesMax = options.rangesMax ?? RANGES_MAX;
    this.#pace = new AckPace(options.clock);
    options.records.watch((id) => {
      const run = this.#runs.get(id);
      if (run !== undefined && !run.told.isEmpty) this.#lookWithin(run, TOGETHER_MS);
    });
  }

  /** Records that came here and wait. */
  get records(): number {
    let count = 0;
    for (const { own } of this.#runs.values()) count += own.count;
    return count;
  }

  /** A batch of a run has come: from now on answers about that run go with its name. */
  heard(id: RunId, asker: Asker): void {
    if (this.#isClosed) return;
    const run = this.#runs.get(id) ?? this.#begin(id);
    if (run === undefined) return;
    run.askers.delete(asker.way);
    run.askers.set(asker.way, asker);
    const [oldest] = run.askers.keys();
    if (run.askers.size > ASKERS_MAX && oldest !== undefined) run.askers.delete(oldest);
  }

  /**
   * Sees to what of a batch is held.
   * @param onSaid called when that has been said, perhaps by the name of another batch; undefined: it has been said already
   */
  keep(id: RunId, asker: Asker, ranges: readonly Range[], onSaid: (() => void) | undefined): void {
    if (!this.#runs.has(id)) this.heard(id, asker);
    const run = this.#runs.get(id);
    if (run === undefined || this.#ranges + ranges.length > this.#rangesMax) {
      if (onSaid !== undefined) this.#say([asker], { stored: [], held: ranges, rejected: [] });
      onSaid?.();
      return;
    }
    this.#changed(run, () => {
      let added = 0;
      for (const range of ranges) {
        run.told.add(...range);
        added += run.own.add(...range);
        if (onSaid !== undefined) run.unsaid.add(...range);
      }
      this.#options.onRepeated(countOf(ranges) - added);
    });
    if (onSaid !== undefined) run.waiting.push(onSaid);
    const isMuch = run.waiting.length >= BATCHES_MAX || run.unsaid.count >= UNSAID_MAX;
    this.#lookWithin(run, isMuch ? 0 : TOGETHER_MS);
  }

  /** Says what is still to be said, and nothing more. */
  close(): void {
    this.#isClosed = true;
    for (const run of [...this.#runs.values()]) {
      if (!run.told.isEmpty) this.#tell(run, undefined);
      run.cancelLook();
    }
    this.#runs.clear();
    this.#ranges = 0;
    this.#pace.close();
  }

  /** Undefined where there is no room. */
  #begin(id: RunId): HeldRun | undefined {
    if (this.#ranges >= this.#rangesMax) return undefined;
    const run: HeldRun = {
      id,
      askers: new Map(),
      told: new IntervalSet(),
      own: new IntervalSet(),
      unsaid: new IntervalSet(),
      waiting: [],
      renewals: 0,
      renewMs: this.#options.clock.monotonicMs() + RENEW_MS[0],
      lookMs: Number.POSITIVE_INFINITY,
      cancelLook: () => undefined,
    };
    this.#runs.set(id, run);
    this.#ranges += 1;
    this.#lookWithin(run, RENEW_MS[0]);
    return run;
  }

  #lookWithin(run: HeldRun, durationMs: number): void {
    const { clock } = this.#options;
    const atMs = clock.monotonicMs() + durationMs;
    if (run.lookMs <= atMs) return;
    run.cancelLook();
    run.lookMs = atMs;
    run.cancelLook = clock.after(durationMs, () => this.#look(run));
  }

  #look(run: HeldRun): void {
    const { clock, records } = this.#options;
    const nowMs = clock.monotonicMs();
    run.lookMs = Number.POSITIVE_INFINITY;
    const isDue = nowMs >= run.renewMs;
    this.#tell(run, isDue ? records.adopt(run.id) : undefined);
    if (isDue) {
      if (run.told.isEmpty) {
        this.#runs.delete(run.id);
        this.#ranges -= 1;
        return;
      }
      run.renewals += 1;
      run.renewMs = nowMs + (RENEW_MS[run.renewals] ?? RENEW_MS[2]);
    }
    this.#lookWithin(run, run.renewMs - nowMs);
  }

  /**
   * Says what has become of what was said to be held.
   * @param adopted what others have held beside it, where all that is held is to be said; undefined: only what was not said yet
   */
  #tell(run: HeldRun, adopted: readonly Range[] | undefined): void {
    const { records, onStored, onRejected } = this.#options;
    this.#changed(run, () => {
      const { stored, held, rejected } = records.standing(run.id, run.told.ranges());
      run.told = new IntervalSet([...held, ...(adopted ?? [])]);
      onStored(removeFrom(run.own, stored));
      const refused = rejected.flatMap(({ ranges }) => ranges);
      onRejected(removeFrom(run.own, refused));
      run.own = within(run.own, run.told);
      const unsaid = adopted === undefined ? within(run.unsaid, run.told) : run.told;
      run.unsaid = new IntervalSet();
      this.#say([...run.askers.values()], { stored, held: unsaid.ranges(), rejected });
    });
    for (const onSaid of run.waiting.splice(0)) onSaid();
  }

  #say(askers: readonly Asker[], verdict: Verdict): void {
    for (const { address, answer } of askers) {
      for (const ack of acksOf(address, verdict)) this.#pace.say(() => answer(encodeAck(ack)));
    }
  }

  /** Counts by how many ranges the work makes what is remembered more, or less. */
  #changed(run: HeldRun, work: () => void): void {
    this.#ranges -= run.told.rangeCount;
    work();
    this.#ranges += run.told.rangeCount;
  }
}

function removeFrom(set: IntervalSet, ranges: readonly Range[]): number {
  return ranges.reduce((count, range) => count + set.remove(...range), 0);
}

function within(set: IntervalSet, other: IntervalSet): IntervalSet {
  return new IntervalSet(set.ranges().flatMap((range) => other.within(...range)));
}
