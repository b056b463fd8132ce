import { Alarms } from '../daemon/alarms/alarms.ts';
import type { ActuatorSettings, AlarmSettings, ButtonSettings, MetricTest } from '../daemon/alarms/settings.ts';
import type { AlarmSample } from '../daemon/alarms/types.ts';
import type { Flag, MetricValue, Observation } from '../protocol/record.ts';
import type { Log } from '../runtime/log.ts';
import { silentLog } from '../runtime/log.ts';
import { SeededRandom } from '../runtime/random.ts';
import { SteppedClock } from '../sim/clock.ts';
import { PlayedOutput, PushedInput } from './gpio-lines.ts';

/** An alarm on the temperature of `buoy`, with everything at its default. */
export function alarmOf(test: MetricTest, settings: Partial<AlarmSettings> = {}): AlarmSettings {
  return {
    name: 'hot',
    stations: ['buoy'],
    level: 'warning',
    condition: { when: 'all', tests: [{ metric: 'temperature', test }] },
    isForGoodOnly: false,
    afterMs: 0,
    clearAfterMs: 0,
    isLatched: false,
    silenceMs: 600_000,
    actuators: ['buzzer'],
    escalation: [],
    ...settings,
  };
}

export function actuatorOf(name: string, settings: Partial<ActuatorSettings> = {}): ActuatorSettings {
  const patterns = { info: [], warning: [200, 800], critical: [500, 500] };
  return { name, line: name.toUpperCase(), active: 'high', safe: 'off', patterns, limitMs: undefined, ...settings };
}

export interface StageSettings {
  readonly alarms: readonly AlarmSettings[];
  readonly actuators?: readonly ActuatorSettings[];
  readonly buttons?: readonly ButtonSettings[];
  readonly log?: Log;
}

/** A disk with one file, as `StateFile` has it. */
export class HeldFile {
  readonly path = 'alarms.json';
  value: unknown;
  saves = 0;
  trouble: Error | undefined;

  async load(): Promise<unknown> {
    await Promise.resolve();
    if (this.trouble !== undefined) throw this.trouble;
    return this.value;
  }

  async save(value: unknown): Promise<void> {
    await Promise.resolve();
    if (this.trouble !== undefined) throw this.trouble;
    this.saves += 1;
    this.value = JSON.parse(JSON.stringify(value));
  }
}

/** Alarms with fake lines, a disk and a clock that is stepped; may be started again. */
export class AlarmStage {
  readonly clock = new SteppedClock();
  readonly file = new HeldFile();
  readonly records: Observation[] = [];
  readonly outputs = new Map<string, PlayedOutput>();
  readonly inputs = new Map<string, PushedInput>();
  alarms: Alarms;
  #generation = 0;

  constructor(settings: StageSettings) {
    this.alarms = this.#make(settings);
  }

  static async start(settings: StageSettings): Promise<AlarmStage> {
    const stage = new AlarmStage(settings);
    await stage.alarms.start();
    return stage;
  }

  /** As after a power cut: nobody has said goodbye. With what the disk holds. */
  async startAgain(settings: StageSettings): Promise<void> {
    this.alarms = this.#make(settings);
    await this.alarms.start();
  }

  output(name: string = 'buzzer'): PlayedOutput {
    const output = this.outputs.get(name.toUpperCase());
    if (output === undefined) throw new Error(`there is no ${name}`);
    return output;
  }

  sample(temperature: MetricValue | 'missing', flag?: Flag): void {
    this.alarms.sampled(sampleOf({ temperature }, flag === undefined ? {} : { temperature: flag }));
  }

  /** What the records since the last call say. */
  events(): string[] {
    return this.records.splice(0).map(({ info }) => String(info?.event));
  }

  #make({ alarms, actuators = [actuatorOf('buzzer')], buttons = [], log = silentLog }: StageSettings): Alarms {
    const { clock, file } = this;
    this.#generation += 1;
    const generation = this.#generation;
    const isPowered = (): boolean => generation === this.#generation;
    return new Alarms({
      alarms,
      actuators,
      buttons,
      clock,
      random: new SeededRandom(1),
      log,
      file: {
        path: file.path,
        load: async () => await file.load(),
        save: async (value) => (isPowered() ? await file.save(value) : undefined),
      },
      label: () => ({ timestampMs: clock.wallMs(), clock: 'synced' }),
      emit: (observation) => {
        if (isPowered()) this.records.push(observation);
      },
      output: (settings) => {
        const output = new PlayedOutput(settings, clock);
        this.outputs.set(settings.line, output);
        return output;
      },
      gpioInput: (settings) => {
        const input = new PushedInput(settings, clock);
        this.inputs.set(settings.line, input);
        return input;
      },
    });
  }
}

/** A sample of `buoy`; what is `missing` could not be had. */
export function sampleOf(
  values: Readonly<Record<string, MetricValue>>,
  flags: Readonly<Record<string, Flag>> = {},
): AlarmSample {
  const entries = Object.entries(values);
  return {
    station: 'buoy',
    metrics: Object.fromEntries(entries.filter(([, value]) => value !== 'missing')),
    flags,
    missing: entries.filter(([, value]) => value === 'missing').map(([name]) => name),
  };
}
