import assert from 'node:assert/strict';
import type { JsonValue } from '../../../protocol/record.ts';
import type { SeededRandom } from '../../../runtime/random.ts';
import { rounded } from './device.ts';
import { walked } from './walk.ts';

/** What a workflow remembers between its events. */
export interface WorkflowMemory {
  readonly random: SeededRandom;
  readonly counters: Map<string, number>;
  /** Where a `walk` or a `randomIncrementLong` is, by its place in the workflow. */
  readonly walks: Map<string, number>;
}

export interface Call {
  readonly arguments: readonly JsonValue[];
  readonly memory: WorkflowMemory;
  readonly atMs: number;
  /** Of the value in the workflow; each `walk` is one of its own. */
  readonly place: string;
}

const FIRST_NAMES = ['Ada', 'Bruno', 'Chiara', 'Dimitra', 'Elena', 'Franco', 'Giulia', 'Hugo', 'Ines', 'Jean'];
const LAST_NAMES = ['Ferrari', 'Garcia', 'Martin', 'Moretti', 'Papadaki', 'Rossi', 'Schmidt', 'Silva', 'Vidal', 'Wolf'];
/** `-2_h`: two hours before. */
const SHIFT = /^([+-]?\d+)_(ms|s|m|h|d|y)$/;
const UNIT_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  y: 365 * 86_400_000,
};
const LETTERS = 'abcdefghijklmnopqrstuvwxyz';

/** The functions that a workflow's texts may name, as `double(0, 40)`. Unknown ones are a bug of the workflow. */
export const WORKFLOW_FUNCTIONS: Readonly<Record<string, (call: Call) => JsonValue>> = {
  alpha: (call) => letters(call, LETTERS),
  alphaNumeric: (call) => letters(call, `${LETTERS}0123456789`),
  boolean: ({ memory }) => memory.random.uniform() < 0.5,
  counter: ({ arguments: [name = ''], memory }) => {
    const count = memory.counters.get(String(name)) ?? 0;
    memory.counters.set(String(name), count + 1);
    return count;
  },
  /** A day between two, as ISO 8601: `date("2024-01-01", "2024-12-31")`. */
  date: (call) => new Date(instant(call)).toISOString(),
  /** Uniform between two bounds, four digits. */
  double: (call) => rounded(uniform(call), 4),
  firstName: ({ memory }) => FIRST_NAMES[memory.random.integer(FIRST_NAMES.length)] as string,
  integer: (call) => Math.floor(uniform(call)),
  lastName: ({ memory }) => LAST_NAMES[memory.random.integer(LAST_NAMES.length)] as string,
  long: (call) => Math.floor(uniform(call)),
  /** ISO 8601, UTC; `now(-2_h)` is two hours before. */
  now: ({ arguments: [shift], atMs }) => new Date(atMs + shiftMs(shift)).toISOString(),
  nowTimestamp: ({ arguments: [shift], atMs }) => atMs + shiftMs(shift),
  random: ({ arguments: choices, memory }) => choices[memory.random.integer(choices.length)] ?? null,
  /** From `first` on, each time more by a whole number between two bounds: `randomIncrementLong(1000, 1, 5)`. */
  randomIncrementLong: ({ arguments: [first = 0, least = 1, most = least], memory, place }) => {
    const before = memory.walks.get(place);
    const step = Number(least) + memory.random.integer(Number(most) - Number(least) + 1);
    const next = before === undefined ? Number(first) : before + step;
    memory.walks.set(place, next);
    return next;
  },
  stringMerge: ({ arguments: [separator = '', ...parts] }) => parts.join(String(separator)),
  /** Milliseconds since 1970: now, or between two days. */
  timestamp: (call) => (call.arguments.length === 0 ? call.atMs : Math.floor(instant(call))),
  /** A UUID of version 4 (RFC 9562 section 5.4). */
  uuid: ({ memory }) => {
    const bytes = Buffer.from(memory.random.bytes(16));
    bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x40, 6);
    bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
    const hex = bytes.toString('hex');
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
  },
  /** Between two bounds like `double`, but from where it was, and drawn back to the middle: what a sensor in air does. */
  walk: ({ arguments: bounds, memory, place }) => {
    const [least = 0, most = 1] = bounds.map(Number);
    const next = walked(memory.random, memory.walks.get(place), least, most);
    memory.walks.set(place, next);
    return rounded(next, 4);
  },
};

function uniform({ arguments: bounds, memory }: Call): number {
  const [least = 0, most = 1] = bounds.map(Number);
  return least + (most - least) * memory.random.uniform();
}

function shiftMs(shift: JsonValue | undefined): number {
  if (shift === undefined) return 0;
  const [, count, unit] = SHIFT.exec(String(shift)) ?? [];
  assert(count !== undefined && unit !== undefined, `a workflow's now has no shift ${String(shift)}`);
  return Number(count) * (UNIT_MS[unit] as number);
}

function instant({ arguments: [from = '', to = ''], memory }: Call): number {
  const [fromMs, toMs] = [Date.parse(String(from)), Date.parse(String(to))];
  assert(fromMs <= toMs, `a workflow has no days from ${String(from)} to ${String(to)}`);
  return fromMs + (toMs - fromMs) * memory.random.uniform();
}

function letters({ arguments: [count = 1], memory }: Call, from: string): string {
  return Array.from({ length: Number(count) }, () => from[memory.random.integer(from.length)]).join('');
}
