import type { Flag, Info, MetricValue } from '../../protocol/record.ts';
import { SlidingExtreme } from './extremes.ts';
import { type Judgement, UNKNOWN } from './judgement.ts';
import type { MetricTest } from './settings.ts';

/** One value as a rule sees it; undefined: it is missing, or not for this rule. */
export interface Sighting {
  readonly value: MetricValue | undefined;
  readonly flag: Flag;
}

/** Follows one metric of one station for one test. Times are on the monotonic clock, in milliseconds. */
export interface MetricWatch {
  see(sighting: Sighting, nowMs: number): void;
  judge(nowMs: number): Judgement;
  /** When the judgement changes though nothing is seen; undefined: it does not. */
  readonly dueMs: number | undefined;
  /** What a record says of the test: `limit`, `within_s`, … */
  readonly terms: Info;
}

/** What the difference of two numbers may be off by, as a part of them: far less than a step of any sensor. */
const ROUNDING = 1e-12;

/** Begins at `nowMs`: what is never seen is stale from then on. */
export function watchFor(test: MetricTest, nowMs: number): MetricWatch {
  switch (test.kind) {
    case 'above':
    case 'below':
      return new ThresholdWatch(test);
    case 'rises':
    case 'falls':
      return new ChangeWatch(test, nowMs);
    case 'stale':
      return new StaleWatch(test.forMs, nowMs);
    case 'flag':
      return new ValueWatch(({ flag }) => flag >= test.from, { flag: test.from });
    case 'is':
      return new ValueWatch(({ value }) => value === test.value, { is: test.value });
  }
}

/** A test that each value passes or not, whatever was before. */
class ValueWatch implements MetricWatch {
  readonly dueMs = undefined;
  readonly terms: Info;
  readonly #holds: (sighting: Sighting) => boolean;
  #judgement = UNKNOWN;

  constructor(holds: (sighting: Sighting) => boolean, terms: Info) {
    this.#holds = holds;
    this.terms = terms;
  }

  see(sighting: Sighting): void {
    const holds = this.#holds(sighting);
    this.#judgement = sighting.value === undefined ? UNKNOWN : { begins: holds, ends: !holds };
  }

  judge(): Judgement {
    return this.#judgement;
  }
}

class ThresholdWatch implements MetricWatch {
  readonly dueMs = undefined;
  readonly terms: Info;
  readonly #test: Extract<MetricTest, { kind: 'above' | 'below' }>;
  #judgement = UNKNOWN;

  constructor(test: Extract<MetricTest, { kind: 'above' | 'below' }>) {
    this.#test = test;
    this.terms = { limit: test.limit };
  }

  see({ value }: Sighting): void {
    const { kind, limit, clear } = this.#test;
    if (!isNumber(value)) this.#judgement = UNKNOWN;
    else if (kind === 'above') this.#judgement = { begins: value > limit, ends: value <= clear };
    else this.#judgement = { begins: value < limit, ends: value >= clear };
  }

  judge(): Judgement {
    return this.#judgement;
  }
}

class ChangeWatch implements MetricWatch {
  readonly dueMs = undefined;
  readonly terms: Info;
  readonly #test: Extract<MetricTest, { kind: 'rises' | 'falls' }>;
  readonly #extreme: SlidingExtreme;
  readonly #sinceMs: number;
  #judgement = UNKNOWN;

  constructor(test: Extract<MetricTest, { kind: 'rises' | 'falls' }>, nowMs: number) {
    this.#test = test;
    this.#extreme = new SlidingExtreme(test.kind === 'rises' ? 'lowest' : 'highest', test.withinMs);
    this.#sinceMs = nowMs;
    this.terms = { limit: test.by, within_s: test.withinMs / 1000 };
  }

  see({ value }: Sighting, nowMs: number): void {
    if (!isNumber(value)) {
      this.#judgement = UNKNOWN;
      return;
    }
    const { by, withinMs } = this.#test;
    const change = Math.abs(value - this.#extreme.push(value, nowMs));
    // 512.3 - 509.3 is a little less than 3.
    const holds = change >= by - Math.abs(value) * ROUNDING;
    // Until a whole window has been seen, what was before the start may be the change that is looked for.
    const isWhole = nowMs >= this.#sinceMs + withinMs;
    this.#judgement = { begins: holds, ends: holds ? false : isWhole || undefined };
  }

  judge(): Judgement {
    return this.#judgement;
  }
}

class StaleWatch implements MetricWatch {
  readonly terms: Info;
  readonly #forMs: number;
  #sinceMs: number;
  #isSeen = false;
  #isStale = false;

  constructor(forMs: number, nowMs: number) {
    this.#forMs = forMs;
    this.#sinceMs = nowMs;
    this.terms = { limit_s: forMs / 1000 };
  }

  get dueMs(): number | undefined {
    return this.#isStale ? undefined : this.#sinceMs + this.#forMs;
  }

  see({ value }: Sighting, nowMs: number): void {
    if (value === undefined) return;
    this.#sinceMs = nowMs;
    this.#isSeen = true;
    this.#isStale = false;
  }

  judge(nowMs: number): Judgement {
    if (nowMs >= this.#sinceMs + this.#forMs) this.#isStale = true;
    // One that stood before the restart stands until there is a value.
    return { begins: this.#isStale, ends: this.#isSeen && !this.#isStale };
  }
}

/** A driver gives no other numbers; one that does must not silence an alarm. */
function isNumber(value: MetricValue | undefined): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}
