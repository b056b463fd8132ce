import type { Flag } from '../../../protocol/record.ts';
import { flagBelow, NOT_EVALUATED } from '../flags.ts';
import { ATTENUATED_VALUES_MIN, type AttenuatedRule } from '../rules.ts';
import type { SampleTime } from '../types.ts';
import type { LiveRule } from './rule.ts';

/** Parts of a window that are remembered: of values that come faster, each holds several. */
const BLOCKS_MAX = 512;

/** Values that came close together, by their moments (Welford 1962). */
interface Block {
  /** When the first of them came: with it all of them leave the window. */
  readonly firstMs: number;
  count: number;
  mean: number;
  /** Sum of the squared distances from `mean`. */
  squares: number;
}

/**
 * The population standard deviation of the values of the last period, by the monotonic clock. 2 until values have come for a
 * whole period, and again after a silence as long as one: little is no sign of being stuck.
 */
export class LiveAttenuated implements LiveRule {
  readonly #rule: AttenuatedRule;
  readonly #blockMs: number;
  readonly #blocks: Block[] = [];
  #sinceMs = 0;

  constructor(rule: AttenuatedRule) {
    this.#rule = rule;
    this.#blockMs = rule.periodMs / BLOCKS_MAX;
  }

  judge(value: number, { monotonicMs }: SampleTime): Flag {
    const leftMs = monotonicMs - this.#rule.periodMs;
    while ((this.#blocks[0]?.firstMs ?? monotonicMs) <= leftMs) this.#blocks.shift();
    if (this.#blocks.length === 0) this.#sinceMs = monotonicMs;
    this.#add(value, monotonicMs);
    const count = sumOf(this.#blocks, (block) => block.count);
    if (count < ATTENUATED_VALUES_MIN || this.#sinceMs > leftMs) return NOT_EVALUATED;
    return flagBelow(this.#deviation(count), this.#rule);
  }

  #add(value: number, atMs: number): void {
    const last = this.#blocks.at(-1);
    if (last === undefined || atMs - last.firstMs >= this.#blockMs) {
      this.#blocks.push({ firstMs: atMs, count: 1, mean: value, squares: 0 });
      return;
    }
    last.count += 1;
    const distance = value - last.mean;
    last.mean += distance / last.count;
    last.squares += distance * (value - last.mean);
  }

  #deviation(count: number): number {
    const mean = sumOf(this.#blocks, (block) => block.count * block.mean) / count;
    const squares = sumOf(this.#blocks, (block) => block.squares + block.count * (block.mean - mean) ** 2);
    return Math.sqrt(squares / count);
  }
}

function sumOf(blocks: readonly Block[], of: (block: Block) => number): number {
  let sum = 0;
  for (const block of blocks) sum += of(block);
  return sum;
}
