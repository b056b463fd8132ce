import { readFileSync } from 'node:fs';
import { type WorkflowStepKeys, workflowKeysOf } from '../../central/config/workflow-keys.ts';
import type { JsonValue } from '../../protocol/record.ts';
import { MooringError } from '../../runtime/errors.ts';
import type { DeviceMessage } from '../../sim/talkers/devices/device.ts';
import { playWorkflow, type Workflow, type WorkflowStep } from '../../sim/talkers/devices/workflow.ts';
import { workflowTalker } from '../../sim/talkers/devices/workflow-talker.ts';

export interface WorkflowFile {
  readonly workflow: Workflow;
  readonly instances: number;
}

/** Throws `CONFIG_UNREADABLE`, or `CONFIG_INVALID` with where it is wrong: also for what cannot be played. */
export function readWorkflow(path: string): WorkflowFile {
  const keys = workflowKeysOf(jsonIn(path));
  if ('wrong' in keys) throw invalid(path, keys.wrong);
  const { steps, instances, repeatWorkflow, iterations, ...said } = keys;
  const rounds = repeatWorkflow ? (iterations < 0 ? Infinity : iterations) : 1;
  const workflow: Workflow = {
    steps: steps.flatMap((step, index) => stepsOf(step, index, path)),
    stepRunMode: said.stepRunMode,
    eventFrequencyMs: said.eventFrequency,
    timeBetweenRepeatMs: said.timeBetweenRepeat,
    vary: { event: said.varyEventFrequency, repeat: said.varyRepeatFrequency },
    rounds,
  };
  // Each step once: what it names wrongly is told before anything is sent.
  const once = workflow.steps.map(({ topic, config }) => ({ topic, config }));
  const tried = { ...workflow, steps: once, stepRunMode: 'sequential' as const, rounds: 1 };
  for (const _ of played(path, playWorkflow(tried, { seed: 1, startMs: 0 })));
  return { workflow, instances };
}

/** What the devices of a file say; ends where their workflow does. Throws as `readWorkflow`. */
export function talkerOfFile(
  path: string,
  {
    seed,
    startMs,
    devices,
  }: { readonly seed: number; readonly startMs: number; readonly devices?: number | undefined },
): Iterable<DeviceMessage> {
  const { workflow, instances } = readWorkflow(path);
  return played(path, workflowTalker(workflow, { seed, startMs, instances: devices ?? instances }));
}

/** Each of a list is an event of its own. */
function stepsOf(
  { config, duration, iterations, producerConfig }: WorkflowStepKeys,
  index: number,
  path: string,
): WorkflowStep[] {
  if (config.length > 1 && (duration !== 0 || iterations !== undefined))
    throw invalid(path, `steps.${index}: goes on with several events; make each a step of its own`);
  return config.map((event): WorkflowStep => {
    const again = {
      ...(iterations === undefined ? {} : { iterations }),
      ...(duration === 0 ? {} : { durationMs: duration }),
    };
    return { topic: producerConfig?.topic ?? 'workflow', config: event as JsonValue, ...again };
  });
}

function jsonIn(path: string): unknown {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    const hint = `See that ${path} is there and that this user may read it.`;
    throw new MooringError('CONFIG_UNREADABLE', 'the workflow cannot be read', { cause, context: { path }, hint });
  }
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw invalid(path, (cause as Error).message);
  }
}

/** A function that there is not, or arguments that are none, are mistakes of the file. */
function* played<T>(path: string, events: Iterable<T>): Generator<T, void, void> {
  try {
    yield* events;
  } catch (cause) {
    throw invalid(path, (cause as Error).message);
  }
}

function invalid(path: string, reason: string): MooringError {
  return new MooringError('CONFIG_INVALID', 'the workflow is wrong', {
    context: { path, reason },
    hint: `${reason}. docs/talkers.md says what a workflow is.`,
  });
}
