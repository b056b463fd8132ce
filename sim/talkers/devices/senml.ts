import type { JsonValue, MetricValue } from '../../../protocol/record.ts';
import { SeededRandom } from '../../../runtime/random.ts';
import { type DeviceMessage, type DeviceTalker, type DeviceTruth, rounded, together } from './device.ts';
import { playWorkflow, type Workflow, type WorkflowStep } from './workflow.ts';

export interface SenmlTalkerOptions {
  readonly seed: number;
  readonly startMs: number;
  /** Groups of four devices: presence, gas, light, air. 1 when left out. */
  readonly instances?: number;
}

const TENANT = '/sample.it/jz/device/snapshot';

/** What each measure is in the registry, or `x_…`, and what its value is to be divided by. */
const TRUE_NAMES: Readonly<Record<string, readonly [metric: string, divisor: number]>> = {
  battery_level: ['battery_voltage', 1],
  rssi: ['rssi', 1],
  illuminance: ['illuminance', 1],
  pressure: ['pressure', 100],
  dew_point: ['dew_point', 1],
  relative_humidity: ['humidity', 1],
  environmental_temperature: ['temperature', 1],
};

/**
 * Four devices of a building that say what they have measured in envelopes with measures, over MQTT: an event in two to four
 * seconds, a pause of half to a whole of a quarter of a minute after each round. Values return to their middle; of the
 * units some write `C` and others `℃`, and nothing where there is none.
 */
export function senmlTalker({ seed, startMs, instances = 1 }: SenmlTalkerOptions): DeviceTalker {
  const random = new SeededRandom(seed);
  return together(
    Array.from({ length: instances }, (_, instance) =>
      messages(workflowOf(instance), random.integer(2 ** 31), startMs + random.integer(15_000)),
    ),
  );
}

/** The workflow of the group `instance`, as `playWorkflow` takes it. */
export function workflowOf(instance: number): Workflow {
  const group = String(instance).padStart(4, '0');
  const step = (number: number, type: string, cat: string, ...measures: readonly JsonValue[]): WorkflowStep => ({
    topic: `${TENANT}/${group}/edv/050${number}`,
    config: {
      t: 'timestamp()',
      tz: 'now()',
      uuid: 'uuid()',
      cuid: 'uuid()',
      ref: `jzp://edv#050${number}.${group}`,
      type,
      cat,
      sn: 'integer(0, 256)',
      m: [
        measure('device_temperature', 'walk(0, 40)', 'C'),
        measure('battery_level', 'walk(3.26, 3.56)', 'V'),
        { ...measure('rssi', 'walk(-120, 0)', 'dB'), d: `jzp://coo#0100.${group}` },
        ...measures,
      ],
    },
  });
  return {
    stepRunMode: 'sequential',
    eventFrequencyMs: 4000,
    timeBetweenRepeatMs: 15_000,
    vary: true,
    steps: [
      step(
        1,
        'presence',
        '0610',
        measure('presence', 'random(0, 1)', ''),
        measure('movement_level', 'integer(0, 101)', ''),
      ),
      step(2, 'gasmeter', '0631', measure('ppm', 'walk(300, 400)', 'ppm')),
      step(3, 'luxmeter', '0620', measure('illuminance', 'walk(0, 600)', 'lx')),
      step(
        4,
        'environmental',
        '0600',
        measure('pressure', 'walk(95000, 105000)', 'Pa'),
        measure('dew_point', 'walk(10, 26)', '℃'),
        measure('relative_humidity', 'walk(0, 100)', '%'),
        measure('absolute_humidity', 'walk(0, 0.5)', 'kg/m3'),
        measure('environmental_temperature', 'walk(0, 40)', '℃'),
      ),
    ],
  };
}

function measure(k: string, v: JsonValue, u: string): { readonly [key: string]: JsonValue } {
  return { t: 'timestamp()', tz: 'now()', k, v, u };
}

function* messages(workflow: Workflow, seed: number, startMs: number): DeviceTalker {
  for (const { atMs, topic, event } of playWorkflow(workflow, { seed, startMs })) {
    const message: DeviceMessage = { atMs, topic, bytes: Buffer.from(JSON.stringify(event)), truth: [truthOf(event)] };
    yield message;
  }
  throw new Error('a workflow has no end');
}

/** What is true of an envelope with measures that are numbers, in the units that this talker has. */
export function truthOf(event: JsonValue): DeviceTruth {
  const { ref, t, m } = event as unknown as { ref: string; t: number; m: readonly { k: string; v: MetricValue }[] };
  const metrics = m.map(({ k, v }): [string, MetricValue] => {
    if (k === 'presence') return [k, v === 1];
    const [metric, divisor] = TRUE_NAMES[k] ?? [`x_${k}`, 1];
    return [metric, typeof v === 'number' && divisor !== 1 ? rounded(v / divisor, 6) : v];
  });
  return { sourceId: ref, timestampMs: t, metrics: Object.fromEntries(metrics) };
}
