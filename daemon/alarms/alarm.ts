import type { Info, MetricValue } from '../../protocol/record.ts';
import { type AlarmEvent, AlarmLife, type AlarmState, type KeptLife } from './life.ts';
import { Rule } from './rule.ts';
import type { AlarmLevel, AlarmSettings } from './settings.ts';
import type { AlarmSample } from './types.ts';

/** One alarm as `mooring alarms` shows it. Durations are in seconds: the clock may be wrong. */
export interface AlarmStatus {
  readonly alarm: string;
  readonly station: string;
  readonly level: AlarmLevel;
  readonly state: AlarmState;
  /** How long it has stood, as far as this machine was on. */
  readonly for_s?: number;
  /** How much longer it is silenced. */
  readonly silenced_s?: number;
  /** Newest values of its metrics. */
  readonly values: Readonly<Record<string, MetricValue>>;
}

/** One alarm of one station. */
export class Alarm {
  readonly settings: AlarmSettings;
  readonly station: string;
  #rule: Rule;
  readonly #life: AlarmLife;

  /** Begins at `nowMs`, on the monotonic clock, as do all times here. */
  constructor(settings: AlarmSettings, station: string, nowMs: number) {
    this.settings = settings;
    this.station = station;
    this.#rule = new Rule(settings, nowMs);
    this.#life = new AlarmLife(settings);
  }

  get metrics(): ReadonlySet<string> {
    return this.#rule.metrics;
  }

  get stands(): boolean {
    return this.#life.stands;
  }

  /** Whether time changes what is kept of it, beside its age. */
  get counts(): boolean {
    const { sounds, silencedUntilMs, escalated } = this.#life;
    return silencedUntilMs !== undefined || (sounds && escalated < this.settings.escalation.length);
  }

  /** When it is to be advanced though nothing is seen; undefined: it needs not. */
  get dueMs(): number | undefined {
    const times = [this.#rule.dueMs ?? Infinity, this.#life.dueMs ?? Infinity];
    const dueMs = Math.min(...times);
    return dueMs === Infinity ? undefined : dueMs;
  }

  /** Actuators that are to play for it now. */
  get wanted(): ReadonlySet<string> {
    if (!this.#life.sounds) return NONE;
    const steps = this.settings.escalation.slice(0, this.#life.escalated);
    return new Set([...this.settings.actuators, ...steps.flatMap(({ actuators }) => actuators)]);
  }

  /** Before the first sample: what is never seen is stale from now on, not since it was made. */
  begin(nowMs: number): void {
    this.#rule = new Rule(this.settings, nowMs);
  }

  sampled(sample: AlarmSample, nowMs: number): AlarmEvent[] {
    this.#rule.see(sample, nowMs);
    return this.advance(nowMs);
  }

  advance(nowMs: number): AlarmEvent[] {
    return this.#life.advance(this.#rule.judge(nowMs), nowMs);
  }

  acknowledge(): AlarmEvent[] {
    return this.#life.acknowledge();
  }

  /** For as long as its settings say, where nothing is said. */
  silence(forMs: number | undefined, nowMs: number): AlarmEvent[] {
    return this.#life.silence(forMs ?? this.settings.silenceMs, nowMs);
  }

  restore(kept: KeptLife, nowMs: number): void {
    this.#life.restore(kept, nowMs);
  }

  kept(nowMs: number): KeptLife | undefined {
    return this.#life.kept(nowMs);
  }

  /** What the records say of events that have just happened, in their order. */
  infosOf(events: readonly AlarmEvent[], nowMs: number): Info[] {
    const { name, level } = this.settings;
    const { silencedUntilMs, escalated } = this.#life;
    // Several steps may be due at once, behind a silence.
    let step = escalated - events.filter((event) => event === 'escalated').length;
    return events.map((event) => {
      if (event === 'escalated') step += 1;
      return {
        event,
        alarm: name,
        level,
        ...(event === 'silenced' ? { seconds: secondsOf((silencedUntilMs ?? nowMs) - nowMs) } : {}),
        ...(event === 'escalated' ? { step } : {}),
        ...this.#rule.reason,
      };
    });
  }

  status(nowMs: number): AlarmStatus {
    const { raisedMs, silencedUntilMs, state } = this.#life;
    const { name, level } = this.settings;
    return {
      alarm: name,
      station: this.station,
      level,
      state,
      ...(raisedMs === undefined ? {} : { for_s: secondsOf(nowMs - raisedMs) }),
      ...(silencedUntilMs === undefined ? {} : { silenced_s: secondsOf(silencedUntilMs - nowMs) }),
      values: this.#rule.values,
    };
  }
}

const NONE: ReadonlySet<string> = new Set();

function secondsOf(durationMs: number): number {
  return Math.round(durationMs) / 1000;
}
