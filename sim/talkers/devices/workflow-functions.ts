import type { JsonValue } from '../../../protocol/record.ts';
import type { SeededRandom } from '../../../runtime/random.ts';
import { rounded } from './device.ts';
import { walked } from './walk.ts';

/** What a workflow remembers between its events. */
export interface WorkflowMemory {
  readonly random: SeededRandom;
  readonly counters: Map<string, number>;
  /** Where a `walk` is, by its place in the workflow. */
  readonly walks: Map<string, number>;
}

export interface Call {
  readonly arguments: readonly JsonValue[];
  readonly memory: WorkflowMemory;
  readonly atMs: number;
  /** Of the value in the workflow; each `walk` is one of its own. */
  readonly place: string;
}

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
  /** Uniform between two bounds, four digits. */
  double: (call) => rounded(uniform(call), 4),
  integer: (call) => Math.floor(uniform(call)),
  now: ({ atMs }) => new Date(atMs).toISOString(),
  random: ({ arguments: choices, memory }) => choices[memory.random.integer(choices.length)] ?? null,
  stringMerge: ({ arguments: [separator = '', ...parts] }) => parts.join(String(separator)),
  timestamp: ({ atMs }) => atMs,
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

function letters({ arguments: [count = 1], memory }: Call, from: string): string {
  return Array.from({ length: Number(count) }, () => from[memory.random.integer(from.length)]).join('');
}
