import { z } from 'zod';

const DAY_MS = 86_400_000;
const durationMs = z.int().min(0).max(DAY_MS);
const stepSchema = z.strictObject({
  config: z.array(z.json()).min(1),
  /** 0: once; -1: for ever; else milliseconds. */
  duration: z.int().min(-1).default(0),
  iterations: z.int().min(1).optional(),
  // Its `qos` is the sender's here.
  producerConfig: z.looseObject({ topic: z.string().min(1) }).optional(),
});
/** As the data generator of shape A's makers has it. */
const workflowSchema = z.strictObject({
  eventFrequency: durationMs,
  varyEventFrequency: z.boolean().default(false),
  repeatWorkflow: z.boolean().default(false),
  timeBetweenRepeat: durationMs.default(0),
  varyRepeatFrequency: z.boolean().default(false),
  /** Rounds, where it repeats; -1: without end. */
  iterations: z.int().min(-1).default(-1),
  stepRunMode: z.enum(['sequential', 'random', 'random-pick-one']).default('sequential'),
  instances: z.int().min(1).max(10_000).default(1),
  steps: z.array(stepSchema).min(1).max(1000),
});

export type WorkflowKeys = z.output<typeof workflowSchema>;
export type WorkflowStepKeys = WorkflowKeys['steps'][number];

/** What the file of `mooring central talk --workflow` says, or for people where it is wrong first. */
export function workflowKeysOf(value: unknown): WorkflowKeys | { readonly wrong: string } {
  const found = workflowSchema.safeParse(value);
  if (found.success) return found.data;
  const [issue] = found.error.issues;
  return { wrong: `${issue?.path.join('.') || 'it'}: ${issue?.message ?? 'is no workflow'}` };
}
