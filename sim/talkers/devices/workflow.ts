import assert from 'node:assert/strict';
import type { JsonValue } from '../../../protocol/record.ts';
import { SeededRandom } from '../../../runtime/random.ts';
import { WORKFLOW_FUNCTIONS, type WorkflowMemory } from './workflow-functions.ts';

/** One thing that a device says in its turn. */
export interface WorkflowStep {
  readonly topic: string;
  /**
   * JSON in which a text `double(0, 40)` stands for what that function says (`WORKFLOW_FUNCTIONS`), `this.NAME` for a field
   * of the event that was said before it, and an object's only key `repeat(N)` for a list of N.
   */
  readonly config: JsonValue;
  /** How often it is said in a row; 1 when left out. */
  readonly iterations?: number;
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
  /** Whether either is anything from the half to the whole. */
  readonly vary: boolean;
}

export interface WorkflowEvent {
  readonly atMs: number;
  readonly topic: string;
  readonly event: JsonValue;
}

/** Plays a workflow for ever; the same seed says the same. */
export function* playWorkflow(
  workflow: Workflow,
  { seed, startMs }: { readonly seed: number; readonly startMs: number },
): Generator<WorkflowEvent, never, void> {
  const random = new SeededRandom(seed);
  const memory: WorkflowMemory = { random, counters: new Map(), walks: new Map() };
  const pause = (ms: number): number => Math.max(1, Math.round(workflow.vary ? ms * (0.5 + random.uniform() / 2) : ms));
  for (let atMs = startMs; ; atMs += pause(workflow.timeBetweenRepeatMs)) {
    for (const { topic, config, iterations = 1 } of stepsOf(workflow, random)) {
      for (let count = 0; count < iterations; count += 1) {
        yield { atMs, topic, event: playedValue(config, { memory, atMs, place: topic, event: undefined }) };
        atMs += pause(workflow.eventFrequencyMs);
      }
    }
  }
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
}

const CALL = /^([A-Za-z]+)\((.*)\)$/s;
const REPEAT = /^repeat\((\d+)\)$/;
const REFERENCE = /^this\.(\w+)$/;

function playedValue(config: JsonValue, around: Surroundings): JsonValue {
  if (typeof config === 'string') return playedText(config, around);
  if (typeof config !== 'object' || config === null) return config;
  const within = (key: string | number, value: JsonValue): JsonValue =>
    playedValue(value, { ...around, place: `${around.place}/${key}` });
  if (Array.isArray(config)) return config.map((value: JsonValue, index) => within(index, value));
  const entries = Object.entries(config as { readonly [key: string]: JsonValue });
  const [only] = entries;
  const [, times] = (entries.length === 1 && REPEAT.exec(only?.[0] ?? '')) || [];
  if (only !== undefined && times !== undefined) {
    return Array.from({ length: Number(times) }, (_, index) => within(index, only[1]));
  }
  const said: Record<string, JsonValue> = {};
  for (const [key, value] of entries) {
    const place = `${around.place}/${key}`;
    said[key] = playedValue(value, { ...around, place, event: around.event ?? said });
  }
  return said;
}

function playedText(text: string, { memory, atMs, place, event }: Surroundings): JsonValue {
  const [, field] = REFERENCE.exec(text) ?? [];
  if (field !== undefined) return event?.[field] ?? null;
  const [, name, written = ''] = CALL.exec(text) ?? [];
  const call = name === undefined ? undefined : WORKFLOW_FUNCTIONS[name];
  if (call === undefined) {
    assert(name === undefined, `a workflow has no function ${name}`);
    return text;
  }
  const values = JSON.parse(`[${written}]`) as JsonValue[];
  return call({ arguments: values, memory, atMs, place });
}
