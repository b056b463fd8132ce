import type { JsonValue, MetricValue } from '../../../protocol/record.ts';
import { SeededRandom } from '../../../runtime/random.ts';
import type { DeviceMessage, DeviceTruth } from './device.ts';
import { truthOf } from './senml.ts';
import { playWorkflow, type Workflow } from './workflow.ts';

export interface WorkflowTalkerOptions {
  readonly seed: number;
  readonly startMs: number;
  /** Devices with the same habits, each with values of its own. */
  readonly instances: number;
}

/**
 * A workflow of a file, as messages in the order of their times; ends where it does. What is true is known of envelopes with
 * measures (`ref`, `t` and `m`); of anything else nothing is told.
 */
export function* workflowTalker(
  workflow: Workflow,
  { seed, startMs, instances }: WorkflowTalkerOptions,
): Generator<DeviceMessage, void, void> {
  const random = new SeededRandom(seed);
  const heads = Array.from({ length: instances }, () => {
    const events = playWorkflow(workflow, { seed: random.integer(2 ** 31), startMs });
    return { events, next: events.next().value ?? undefined };
  });
  for (;;) {
    const talking = heads.filter(({ next }) => next !== undefined);
    const first = talking.reduce<(typeof heads)[number] | undefined>(
      (one, other) => (one?.next === undefined || (other.next?.atMs ?? Infinity) < one.next.atMs ? other : one),
      undefined,
    );
    if (first?.next === undefined) return;
    const { atMs, topic, event } = first.next;
    yield { atMs, topic, bytes: Buffer.from(JSON.stringify(event)), truth: truthsOf(event) };
    first.next = first.events.next().value ?? undefined;
  }
}

function truthsOf(event: JsonValue): readonly DeviceTruth[] {
  const { ref, t, m } = (event ?? {}) as { readonly ref?: unknown; readonly t?: unknown; readonly m?: unknown };
  if (typeof ref !== 'string' || typeof t !== 'number' || !Array.isArray(m) || !m.every(isMeasure)) return [];
  return [truthOf(event)];
}

function isMeasure(value: unknown): value is { readonly k: string; readonly v: MetricValue } {
  const { k, v } = (value ?? {}) as { readonly k?: unknown; readonly v?: unknown };
  return typeof k === 'string' && (typeof v === 'number' || typeof v === 'boolean');
}
