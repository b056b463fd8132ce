import assert from 'node:assert/strict';
import type { JsonValue } from '../../../protocol/record.ts';
import { SeededRandom } from '../../../runtime/random.ts';
import { WORKFLOW_FUNCTIONS, type WorkflowMemory } from './workflow-functions.ts';

/** One thing that a device says in its turn. */
export interface WorkflowStep {
  readonly topic: string;
  /**
   * JSON in which a text `double(0, 40)` stands for what that function says (`WORKFLOW_FUNCTIONS`), `this.NAME` for a field
   * of the event that was said before it, `cur.NAME` for one of the same object, an object's only key `repeat(N)` for a list
   * of N, and a list that begins with the text `random()` for one of the rest.
   */
  readonly config: JsonValue;
  /** How often it is said in a row; 1 when left out, or as long as `durationMs` says. */
  readonly iterations?: number;
  /** How long it is said, ms; for ever where it is -1. */
  readonly durationMs?: number;
}

/** A device's habits, after the workflows of the data generator that its makers use. */
export interface Workflow {
  readonly steps: readonly WorkflowStep[];
  /** One after the other; one after the other in another order each time; or one of them. */
  readonly stepRunMode: 'sequential' | 'random' | 'random-pick-one';
  /** Between two events, ms. */
  readonly eventFrequencyMs: number;
  /** Between two rounds, ms. */
  readonly timeBetweenRepeatMs: number;
  /** Whether either is anything from the half to the whole; or the first, and the second. */
  readonly vary: boolean | { readonly event: boolean; readonly repeat: boolean };
  /** Rounds until it falls silent; for ever when left out. */
  readonly rounds?: number;
}

export interface WorkflowEvent {
  readonly atMs: number;
  readonly topic: string;
  readonly event: JsonValue;
}

/** Plays a workflow, for ever where it says nothing else; the same seed says the same. */
export function* playWorkflow(
  workflow: Workflow,
  { seed, startMs }: { readonly seed: number; readonly startMs: number },
): Generator<WorkflowEvent, void, void> {
  const random = new SeededRandom(seed);
  const memory: WorkflowMemory = { random, counters: new Map(), walks: new Map() };
  const { vary, eventFrequencyMs, timeBetweenRepeatMs, rounds = Infinity } = workflow;
  const varies = typeof vary === 'boolean' ? { event: vary, repeat: vary } : vary;
  const pause = (ms: number, isVaried: boolean): number =>
    Math.max(1, Math.round(isVaried ? ms * (0.5 + random.uniform() / 2) : ms));
  let atMs = startMs;
  for (let round = 0; round < rounds; round += 1) {
    for (const step of stepsOf(workflow, random)) {
      const { topic, config } = step;
      const [times, untilMs] = extentOf(step, atMs);
      for (let count = 0; count < times && atMs < untilMs; count += 1) {
        const around = { memory, atMs, place: topic, event: undefined, object: undefined };
        yield { atMs, topic, event: playedValue(config, around) };
        atMs += pause(eventFrequencyMs, varies.event);
      }
    }
    atMs += pause(timeBetweenRepeatMs, varies.repeat);
  }
}

function extentOf({ iterations, durationMs }: WorkflowStep, atMs: number): readonly [times: number, untilMs: number] {
  if (durationMs === undefined || durationMs === 0) return [iterations ?? 1, Infinity];
  return [iterations ?? Infinity, durationMs < 0 ? Infinity : atMs + durationMs];
}

function stepsOf({ steps, stepRunMode }: Workflow, random: SeededRandom): readonly WorkflowStep[] {
  if (stepRunMode === 'sequential') return steps;
  const left = [...steps];
  const shuffled = Array.from({ length: steps.length }, () => left.splice(random.integer(left.length), 1)).flat();
  return stepRunMode === 'random' ? shuffled : shuffled.slice(0, 1);
}

interface Surroundings {
  readonly memory: WorkflowMemory;
  readonly atMs: number;
  readonly place: string;
  /** The outermost object, as far as it has come: what `this` means. Undefined outside of it. */
  readonly event: Readonly<Record<string, JsonValue>> | undefined;
  /** The innermost object, as far as it has come: what `cur` means. */
  readonly object: Readonly<Record<string, JsonValue>> | undefined;
}

const CALL = /^([A-Za-z]+)\((.*)\)$/s;
const REPEAT = /^repeat\((\d+)\)$/;
const REFERENCE = /^(this|cur)\.(\w+)$/;
const ONE_OF = 'random()';
/** Days and spans that a call may write without quotes. */
const BARE = /(?<=^|,)\s*([+-]?\d+_[a-z]+)\s*(?=,|$)/g;

function playedValue(config: JsonValue, around: Surroundings): JsonValue {
  if (typeof config === 'string') return playedText(config, around);
  if (typeof config !== 'object' || config === null) return config;
  const within = (key: string | number, value: JsonValue): JsonValue =>
    playedValue(value, { ...around, place: `${around.place}/${key}` });
  if (Array.isArray(config)) {
    const list = config as readonly JsonValue[];
    if (list[0] !== ONE_OF || list.length < 2) return list.map((value, index) => within(index, value));
    const index = 1 + around.memory.random.integer(list.length - 1);
    return within(index, list[index] ?? null);
  }
  const entries = Object.entries(config as { readonly [key: string]: JsonValue });
  const [only] = entries;
  const [, times] = (entries.length === 1 && REPEAT.exec(only?.[0] ?? '')) || [];
  if (only !== undefined && times !== undefined) {
    return Array.from({ length: Number(times) }, (_, index) => within(index, only[1]));
  }
  const said: Record<string, JsonValue> = {};
  for (const [key, value] of entries) {
    const place = `${around.place}/${key}`;
    said[key] = playedValue(value, { ...around, place, event: around.event ?? said, object: said });
  }
  return said;
}

function playedText(text: string, { memory, atMs, place, event, object }: Surroundings): JsonValue {
  const [, of, field] = REFERENCE.exec(text) ?? [];
  if (field !== undefined) return (of === 'this' ? event : object)?.[field] ?? null;
  const [, name, written = ''] = CALL.exec(text) ?? [];
  const call = name === undefined ? undefined : WORKFLOW_FUNCTIONS[name];
  if (call === undefined) {
    assert(name === undefined, `a workflow has no function ${name}`);
    return text;
  }
  const values = JSON.parse(`[${written.replace(BARE, '"$1"')}]`) as JsonValue[];
  return call({ arguments: values, memory, atMs, place });
}
