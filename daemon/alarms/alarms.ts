import type { GpioInput, GpioInputSettings } from '../../drivers/driver.ts';
import { GATEWAY_STATION, type Info, type Observation } from '../../protocol/record.ts';
import { type Clock, withDeadline } from '../../runtime/clock.ts';
import type { MooringError } from '../../runtime/errors.ts';
import type { Log } from '../../runtime/log.ts';
import type { Random } from '../../runtime/random.ts';
import { Actuator, type ActuatorStatus } from './actuator.ts';
import { Alarm, type AlarmStatus } from './alarm.ts';
import { logAlarm } from './alarm-log.ts';
import { AlarmMemory, type AlarmMemoryOptions } from './alarm-memory.ts';
import { Button, type ButtonStatus } from './button.ts';
import type { KeptAlarm } from './kept.ts';
import type { AlarmEvent } from './life.ts';
import { type ActuatorSettings, ALARM_LEVELS, type AlarmSettings, type ButtonSettings } from './settings.ts';
import type { ActuatorOutput, ActuatorOutputSettings, AlarmSample } from './types.ts';

export interface AlarmsOptions {
  readonly alarms: readonly AlarmSettings[];
  readonly actuators: readonly ActuatorSettings[];
  readonly buttons: readonly ButtonSettings[];
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Where what stands is kept over a restart: a `StateFile`. */
  readonly file: AlarmMemoryOptions['file'];
  readonly label: () => Pick<Observation, 'timestampMs' | 'clock'>;
  /** Takes every record, to be stored at once; must neither throw nor wait. */
  readonly emit: (observation: Observation) => void;
  readonly output: (settings: ActuatorOutputSettings) => ActuatorOutput;
  readonly gpioInput: (settings: GpioInputSettings) => GpioInput;
}

/** Which alarms are meant: those with this name, of this station; left out: all. */
export interface AlarmChoice {
  readonly alarm?: string | undefined;
  readonly station?: string | undefined;
}

export interface AlarmsStatus {
  /** In the order of the configuration. */
  readonly alarms: readonly AlarmStatus[];
  readonly actuators: readonly ActuatorStatus[];
  readonly buttons: readonly ButtonStatus[];
}

/** What may happen by `now` to one alarm: nothing, or some events. */
type Step = (alarm: Alarm, nowMs: number) => readonly AlarmEvent[];

/** While something counts down it is kept so often, in milliseconds: by so much it may be longer after a power cut. */
const KEEP_EVERY_MS = 30_000;
/** Nobody silences an alarm for longer, in milliseconds. */
const SILENCE_MS_MAX = 86_400_000;
/** How long starting waits for lines that open slowly, in milliseconds. */
const OPENING_MS = 2000;
/** Words of an error in a record, in characters: a record is small. */
const REASON_CHARS_MAX = 120;

/**
 * The alarms of the gateway. A sample is judged, and its actuators are told, before `sampled` returns and before anything
 * else hears of it: no disk, no link and no other sensor is on that way.
 */
export class Alarms {
  readonly #options: AlarmsOptions;
  readonly #alarms: readonly Alarm[];
  /** Alarms that look at a metric, by station and metric, the most urgent first. */
  readonly #watching = new Map<string, Map<string, Alarm[]>>();
  readonly #actuators: ReadonlyMap<string, Actuator>;
  readonly #buttons: readonly Button[];
  readonly #memory: AlarmMemory;
  /** Actuators that play for an alarm. */
  readonly #playing = new Map<Alarm, ReadonlySet<string>>();
  #wake: { readonly atMs: number; readonly cancel: () => void } | undefined;
  #cancelKeeping: (() => void) | undefined;
  #isRunning = false;

  constructor(options: AlarmsOptions) {
    const { alarms, actuators, buttons, clock, random, log, file, output, gpioInput } = options;
    const nowMs = clock.monotonicMs();
    this.#options = options;
    this.#alarms = alarms.flatMap((settings) =>
      settings.stations.map((station) => new Alarm(settings, station, nowMs)),
    );
    for (const alarm of this.#alarms.toSorted(byUrgency)) this.#watch(alarm);
    this.#actuators = new Map(
      actuators.map((settings) => {
        const onChange = (error: MooringError | undefined): void => this.#lineChanged('actuator', settings.name, error);
        return [settings.name, new Actuator({ settings, clock, random, output, onChange })];
      }),
    );
    this.#buttons = buttons.map((settings) => {
      const onChange = (error: MooringError | undefined): void => this.#lineChanged('button', settings.name, error);
      const onAction = (action: 'ack' | 'silence'): void =>
        void (action === 'ack' ? this.acknowledge({}) : this.silence({}));
      return new Button({ settings, clock, random, gpioInput, onAction, onChange });
    });
    this.#memory = new AlarmMemory({ file, clock, log, kept: () => this.#kept() });
  }

  /** Brings back what stood, opens the lines, starts the timers. Once, and before the first sample. Never rejects. */
  async start(): Promise<void> {
    const { clock } = this.#options;
    const kept = await this.#memory.load((late) => this.#restoreLate(late));
    this.#isRunning = true;
    this.#restore(kept);
    const lines = [...this.#actuators.values(), ...this.#buttons];
    const opened = Promise.all(lines.map(async (line) => await line.start()));
    // What opens later plays what is wanted of it then.
    await withDeadline(clock, OPENING_MS, opened, () => new Error('slow')).catch(() => undefined);
    const nowMs = clock.monotonicMs();
    for (const alarm of this.#alarms) alarm.begin(nowMs);
    this.#stepAll(advance);
    // Also without what is in the configuration no more.
    if (kept.length > 0) this.#keep();
  }

  /** Everything at its safe level. What stands is kept for the next start. */
  async stop(): Promise<void> {
    this.#isRunning = false;
    this.#wake?.cancel();
    this.#cancelKeeping?.();
    await Promise.all([...this.#actuators.values(), ...this.#buttons].map(async (line) => await line.stop()));
    if (this.#alarms.length > 0) this.#memory.save();
    await this.#memory.settled();
  }

  /** Judges a sample, tells the actuators, then writes the records. Neither throws nor waits. */
  sampled(sample: AlarmSample): void {
    const watching = this.#watching.get(sample.station);
    if (watching === undefined || !this.#isRunning) return;
    const touched = new Set<Alarm>();
    const touch = (metric: string): void => {
      for (const alarm of watching.get(metric) ?? []) touched.add(alarm);
    };
    for (const metric of Object.keys(sample.metrics)) touch(metric);
    for (const metric of sample.missing) touch(metric);
    this.#step(touched, (alarm, nowMs) => alarm.sampled(sample, nowMs));
  }

  /** How many were acknowledged that were not yet. */
  acknowledge(choice: AlarmChoice): number {
    return this.#step(this.#chosen(choice), (alarm) => alarm.acknowledge());
  }

  /** How many were silenced: those that stand and are not acknowledged. A day at the most; without `forMs` each for as long as it says. */
  silence({ forMs, ...choice }: AlarmChoice & { readonly forMs?: number | undefined }): number {
    const boundedMs = forMs === undefined ? undefined : Math.min(forMs, SILENCE_MS_MAX);
    return this.#step(this.#chosen(choice), (alarm, nowMs) => alarm.silence(boundedMs, nowMs));
  }

  /** Whether there is such an alarm, whatever its state. */
  has(choice: AlarmChoice): boolean {
    return this.#chosen(choice).length > 0;
  }

  status(): AlarmsStatus {
    const nowMs = this.#options.clock.monotonicMs();
    return {
      alarms: this.#alarms.map((alarm) => alarm.status(nowMs)),
      actuators: [...this.#actuators.values()].map((actuator) => actuator.status()),
      buttons: this.#buttons.map((button) => button.status()),
    };
  }

  #watch(alarm: Alarm): void {
    const ofStation = this.#watching.get(alarm.station) ?? new Map<string, Alarm[]>();
    this.#watching.set(alarm.station, ofStation);
    for (const metric of alarm.metrics) ofStation.set(metric, [...(ofStation.get(metric) ?? []), alarm]);
  }

  #chosen({ alarm, station }: AlarmChoice): Alarm[] {
    return this.#alarms.filter(
      (each) =>
        (alarm === undefined || each.settings.name === alarm) && (station === undefined || each.station === station),
    );
  }

  /** Steps some alarms: actuators first, records then, the log and the file last. Returns to how many of them something happened. */
  #step(alarms: Iterable<Alarm>, step: Step): number {
    const nowMs = this.#options.clock.monotonicMs();
    const happened: { readonly alarm: Alarm; readonly events: readonly AlarmEvent[] }[] = [];
    let dueMs = Infinity;
    for (const alarm of alarms) {
      const events = step(alarm, nowMs);
      if (events.length > 0) {
        this.#tellActuators(alarm);
        happened.push({ alarm, events });
      }
      dueMs = Math.min(dueMs, alarm.dueMs ?? Infinity);
    }
    if (dueMs < Infinity) this.#wakeAt(dueMs, nowMs);
    const told = happened.flatMap(({ alarm, events }) =>
      alarm.infosOf(events, nowMs).map((info) => ({ station: alarm.station, info })),
    );
    for (const { station, info } of told) this.#emit('alarm', station, info);
    for (const { station, info } of told) logAlarm(this.#options.log, station, info);
    if (happened.length > 0) this.#keep();
    return happened.length;
  }

  #stepAll(step: Step): number {
    return this.#step(this.#alarms, step);
  }

  #tellActuators(alarm: Alarm): void {
    const before = this.#playing.get(alarm) ?? NONE;
    const now = alarm.wanted;
    for (const name of now) if (!before.has(name)) this.#actuators.get(name)?.want(alarm, alarm.settings.level);
    for (const name of before) if (!now.has(name)) this.#actuators.get(name)?.release(alarm);
    if (now.size === 0) this.#playing.delete(alarm);
    else this.#playing.set(alarm, now);
  }

  /** At the latest. Timers are never put off: one that comes early finds nothing to do, and sets the next. */
  #wakeAt(atMs: number, nowMs: number): void {
    if (!this.#isRunning || (this.#wake !== undefined && this.#wake.atMs <= atMs)) return;
    this.#wake?.cancel();
    const cancel = this.#options.clock.after(Math.max(1, Math.ceil(atMs - nowMs)), () => {
      this.#wake = undefined;
      this.#stepAll(advance);
    });
    this.#wake = { atMs, cancel };
  }

  #restore(kept: readonly KeptAlarm[]): void {
    const { clock, log } = this.#options;
    const nowMs = clock.monotonicMs();
    for (const { alarm: name, station, level, ...life } of kept) {
      const [alarm] = this.#chosen({ alarm: name, station });
      if (alarm === undefined) {
        log.warn({ alarm: name, station }, 'an alarm that stood is in the configuration no more');
        this.#emit('alarm', station, { event: 'cleared', alarm: name, level, reason: 'not_configured' });
      } else if (!alarm.stands) {
        alarm.restore(life, nowMs);
        this.#tellActuators(alarm);
      }
    }
  }

  /** What has been raised meanwhile is news, and stays as it is. */
  #restoreLate(kept: readonly KeptAlarm[]): void {
    if (!this.#isRunning || kept.length === 0) return;
    this.#restore(kept);
    this.#stepAll(advance);
    this.#keep();
  }

  #kept(): KeptAlarm[] {
    const nowMs = this.#options.clock.monotonicMs();
    return this.#alarms.flatMap((alarm) => {
      const life = alarm.kept(nowMs);
      const { name, level } = alarm.settings;
      return life === undefined ? [] : [{ alarm: name, station: alarm.station, level, ...life }];
    });
  }

  #keep(): void {
    if (!this.#isRunning) return;
    this.#memory.save();
    this.#keepWhileCounting();
  }

  #keepWhileCounting(): void {
    const isCounting = (): boolean => this.#alarms.some(({ counts }) => counts);
    if (this.#cancelKeeping !== undefined || !isCounting()) return;
    this.#cancelKeeping = this.#options.clock.after(KEEP_EVERY_MS, () => {
      this.#cancelKeeping = undefined;
      if (isCounting()) this.#keep();
    });
  }

  #lineChanged(what: 'actuator' | 'button', name: string, error: MooringError | undefined): void {
    const { log } = this.#options;
    if (error === undefined) {
      log.info({ [what]: name }, WORDS[what].back);
      this.#emit('event', GATEWAY_STATION, { event: `${what}_back`, [what]: name });
      return;
    }
    log.warn({ [what]: name, err: error }, WORDS[what].failed);
    const reason = error.message.slice(0, REASON_CHARS_MAX).toWellFormed();
    this.#emit('event', GATEWAY_STATION, { event: `${what}_failed`, [what]: name, code: error.code, reason });
  }

  #emit(kind: 'alarm' | 'event', station: string, info: Info): void {
    const { emit, label } = this.#options;
    emit({ station, kind, ...label(), metrics: {}, flags: {}, info });
  }
}

const NONE: ReadonlySet<string> = new Set();
const WORDS = {
  actuator: { failed: 'the actuator has failed', back: 'the actuator is back' },
  button: { failed: 'the button has failed', back: 'the button is back' },
} as const;

const advance: Step = (alarm, nowMs) => alarm.advance(nowMs);

function byUrgency(a: Alarm, b: Alarm): number {
  return ALARM_LEVELS.indexOf(b.settings.level) - ALARM_LEVELS.indexOf(a.settings.level);
}
