import type { FlatRecord } from '../../central/recordlog/recordlog.ts';
import { RESERVED_KEYS } from '../../protocol/record.ts';
import type { TruthLine } from './truth.ts';

/** What `mooring central heard --json` prints. */
export interface HeardReport {
  /** Something was to be there, all of it is, once, and nothing else. */
  readonly ok: boolean;
  /** Readings that a right centre has. */
  readonly expected: number;
  /** Of those, the ones that are there. */
  readonly found: number;
  /** Not there: source, time and values of the first of them. */
  readonly missing: readonly string[];
  readonly missing_count: number;
  /** Records beyond the first of one and the same reading. */
  readonly repeated: number;
  /** Records of which the truth knows nothing; of one that is wrong, this is what is there in place of what is missing. */
  readonly unexpected: readonly string[];
  readonly unexpected_count: number;
  /** Well-formed messages that were refused. */
  readonly refused: number;
}

const SHOWN_MAX = 10;

/**
 * Judges records by what was true, and by nothing that the centre computes: the device's own name, the event time where the
 * device says one, and the values. Two readings of a device without time that say the same are one.
 */
export class Judge {
  readonly #expected = new Set<string>();
  /** What nobody has confirmed, and may be there or not. */
  readonly #possible = new Set<string>();
  readonly #found = new Map<string, number>();
  readonly #ids = new Map<string, string>();
  readonly #unexpected: string[] = [];
  #idsTwice = 0;
  #refused = 0;

  addTruth({ fate, outcome, readings }: TruthLine): void {
    if (fate !== 'sent' && fate !== 'copy') return;
    if (outcome === 'refused') this.#refused += 1;
    const to = outcome === 'taken' ? this.#expected : this.#possible;
    for (const { source_id, timestamp, metrics } of readings) to.add(keyOf(source_id, timestamp, metrics));
  }

  /** After all of the truth. */
  addRecord(record: FlatRecord): void {
    const key = keyOfRecord(record);
    if (key === undefined) return;
    if (!this.#expected.has(key) && !this.#possible.has(key)) this.#unexpected.push(key);
    this.#found.set(key, (this.#found.get(key) ?? 0) + 1);
    if (this.#ids.has(record.id)) this.#idsTwice += 1;
    this.#ids.set(record.id, key);
  }

  report(): HeardReport {
    const missing = [...this.#expected].filter((key) => !this.#found.has(key));
    const expected = this.#expected.size;
    const repeated = [...this.#found.values()].reduce((sum, times) => sum + times - 1, 0);
    const wrong = missing.length + repeated + this.#unexpected.length + this.#refused + this.#idsTwice;
    return {
      ok: expected > 0 && wrong === 0,
      expected,
      found: expected - missing.length,
      missing: missing.slice(0, SHOWN_MAX),
      missing_count: missing.length,
      repeated,
      unexpected: this.#unexpected.slice(0, SHOWN_MAX),
      unexpected_count: this.#unexpected.length,
      refused: this.#refused,
    };
  }
}

/** Undefined for what no existing device has said. */
function keyOfRecord(record: FlatRecord): string | undefined {
  const { info } = record as { readonly info?: { readonly source_id?: string; readonly time_from?: string } };
  if (info?.source_id === undefined) return undefined;
  const metrics = Object.fromEntries(Object.entries(record).filter(([name]) => !RESERVED_KEYS.has(name)));
  return keyOf(info.source_id, info.time_from === 'receipt' ? null : String(record.timestamp), metrics);
}

/** Twelve digits: what a division of units leaves in the last ones is no difference. */
function keyOf(sourceId: string, timestamp: string | null, metrics: Readonly<Record<string, unknown>>): string {
  const values = Object.entries(metrics)
    .map(([name, value]) => `${name} ${typeof value === 'number' ? Number(value.toPrecision(12)) : String(value)}`)
    .sort();
  return `${sourceId} ${timestamp ?? 'without time'}: ${values.join(', ')}`;
}
