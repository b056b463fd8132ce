import type { MetricType } from '../../../protocol/metrics.ts';
import type { JsonValue, MetricValue } from '../../../protocol/record.ts';
import { decimalOf } from '../decimal.ts';
import { refuse } from '../refuse.ts';

/** What is done with a value between the message and the registry's metric; each part may be left out. */
export interface ValueRule {
  /** A text that stands for one is made one: of a delimited line, and where the mapping says so. */
  readonly type: MetricType | undefined;
  /** Words and numbers, lower-case → values. */
  readonly words: ReadonlyMap<string, MetricValue> | undefined;
  /** What stands for no value. */
  readonly absent: readonly (string | number)[];
  readonly scale: number;
  readonly offset: number;
  /** Between the whole part of a number and its fraction, in a text. */
  readonly decimal: '.' | ',';
}

/** Digits that a scaled value keeps: 215 × 0.1 is 21.5, and no 21.500000000000004. */
const SCALED_DIGITS = 12;

/**
 * The value as the registry's rules may take it; `null`: there is none. Throws `RECORD_INVALID` for a word that the mapping
 * does not know and for a text that is no number where one must stand. Nothing becomes 0.
 */
export function valueBy(rule: ValueRule, value: JsonValue, at: string): JsonValue {
  if (value === null || rule.absent.some((absent) => isSame(absent, value, rule.decimal))) return null;
  if (rule.words !== undefined) return wordIn(rule.words, value, at);
  const typed = typeof value === 'string' ? typedText(rule, value, at) : value;
  if (typeof typed !== 'number' || (rule.scale === 1 && rule.offset === 0)) return typed;
  const scaled = Number((typed * rule.scale + rule.offset).toPrecision(SCALED_DIGITS));
  return Number.isFinite(scaled) ? scaled + 0 : refuse(at, 'is a number without bounds');
}

/** The number that a text stands for; undefined where it stands for none. */
export function numberIn(text: string, decimal: '.' | ','): number | undefined {
  const trimmed = text.trim();
  const plain = decimal === ',' ? trimmed.replace(',', '.') : trimmed;
  if (decimal === ',' && trimmed.includes('.')) return undefined;
  const value = decimalOf(plain);
  return Number.isFinite(value) ? value : undefined;
}

function isSame(absent: string | number, value: JsonValue, decimal: '.' | ','): boolean {
  if (typeof absent === 'number') {
    return (typeof value === 'string' ? numberIn(value, decimal) : value) === absent;
  }
  return typeof value === 'string' && value.trim() === absent;
}

function wordIn(words: ReadonlyMap<string, MetricValue>, value: JsonValue, at: string): MetricValue {
  const isWord = typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
  const found = isWord ? words.get(String(value).trim().toLowerCase()) : undefined;
  return found ?? refuse(at, `is none of ${[...words.keys()].join(', ')}`);
}

function typedText({ type, decimal }: ValueRule, text: string, at: string): MetricValue {
  if (type === 'number') return numberIn(text, decimal) ?? refuse(at, 'is no number');
  if (type !== 'boolean') return text;
  const word = text.trim().toLowerCase();
  if (word === 'true' || word === '1') return true;
  return word === 'false' || word === '0' ? false : refuse(at, 'is neither true nor false, nor 1 or 0');
}
