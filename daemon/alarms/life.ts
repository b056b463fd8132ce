import type { Judgement } from './judgement.ts';
import type { AlarmSettings } from './settings.ts';

/** What may happen to an alarm; the words of its records. */
export type AlarmEvent = 'raised' | 'cleared' | 'acknowledged' | 'silenced' | 'unsilenced' | 'escalated';

/**
 * `pending`: the condition holds, the on-delay runs; `latched`: it stands though the condition is gone, until it is
 * acknowledged; `acknowledged`: it stands, and somebody knows.
 */
export type AlarmState = 'normal' | 'pending' | 'raised' | 'latched' | 'acknowledged';

/** What is kept over a restart. */
export interface KeptLife {
  /** Whether the condition held. */
  readonly isActive: boolean;
  readonly isAcknowledged: boolean;
  /** For how long it has stood. */
  readonly stoodMs: number;
  /** How much longer it is silenced; 0: it is not. */
  readonly silencedMs: number;
  /** Steps of escalation that were taken. */
  readonly escalated: number;
}

type LifeSettings = Pick<AlarmSettings, 'afterMs' | 'clearAfterMs' | 'isLatched' | 'escalation'>;

/**
 * The life of one alarm of one station: normal → pending → raised → acknowledged → cleared. Pure: it is told the time and
 * what the values say, and answers with what has happened. Times are on the monotonic clock, in milliseconds.
 */
export class AlarmLife {
  readonly #settings: LifeSettings;
  /** Whether the condition holds, with its delays. */
  #isActive = false;
  #isAcknowledged = false;
  /** Since when the condition has held, or has been gone, while that changes nothing yet. */
  #changingMs: number | undefined;
  #raisedMs: number | undefined;
  #silencedUntilMs: number | undefined;
  #escalated = 0;
  #judgement: Judgement = { begins: undefined, ends: undefined };

  constructor(settings: LifeSettings) {
    this.#settings = settings;
  }

  get state(): AlarmState {
    if (this.#raisedMs === undefined) return this.#changingMs === undefined ? 'normal' : 'pending';
    if (this.#isAcknowledged) return 'acknowledged';
    return this.#isActive ? 'raised' : 'latched';
  }

  /** Whether it has been raised and not cleared. */
  get stands(): boolean {
    return this.#raisedMs !== undefined;
  }

  get raisedMs(): number | undefined {
    return this.#raisedMs;
  }

  get silencedUntilMs(): number | undefined {
    return this.#silencedUntilMs;
  }

  /** Whether its actuators are to play. */
  get sounds(): boolean {
    return this.stands && !this.#isAcknowledged && this.#silencedUntilMs === undefined;
  }

  /** Steps of escalation that were taken. */
  get escalated(): number {
    return this.#escalated;
  }

  /** When something happens by time alone; undefined: nothing does. */
  get dueMs(): number | undefined {
    const { begins, ends } = this.#judgement;
    const delayMs = this.#isActive ? this.#settings.clearAfterMs : this.#settings.afterMs;
    // A delay goes on while the value is missing, but only a value ends it.
    const isChanging = this.#changingMs !== undefined && (this.#isActive ? ends : begins) === true;
    const step = this.sounds ? this.#settings.escalation[this.#escalated] : undefined;
    const times = [
      isChanging ? (this.#changingMs as number) + delayMs : Infinity,
      this.#silencedUntilMs ?? Infinity,
      step === undefined ? Infinity : (this.#raisedMs as number) + step.afterMs,
    ];
    const dueMs = Math.min(...times);
    return dueMs === Infinity ? undefined : dueMs;
  }

  /** As it was kept: nothing happens by that. */
  restore({ isActive, isAcknowledged, stoodMs, silencedMs, escalated }: KeptLife, nowMs: number): void {
    // What latches no more, by another configuration, would wait for an acknowledgement that nobody owes it: a value ends it.
    this.#isActive = isActive || isAcknowledged || !this.#settings.isLatched;
    this.#isAcknowledged = isAcknowledged;
    this.#raisedMs = nowMs - stoodMs;
    this.#silencedUntilMs = silencedMs > 0 ? nowMs + silencedMs : undefined;
    this.#escalated = Math.min(escalated, this.#settings.escalation.length);
  }

  /** Undefined where there is nothing to keep. */
  kept(nowMs: number): KeptLife | undefined {
    if (this.#raisedMs === undefined) return undefined;
    return {
      isActive: this.#isActive,
      isAcknowledged: this.#isAcknowledged,
      stoodMs: nowMs - this.#raisedMs,
      silencedMs: this.#silencedUntilMs === undefined ? 0 : Math.max(1, this.#silencedUntilMs - nowMs),
      escalated: this.#escalated,
    };
  }

  /** Goes on to `nowMs`, at which the values say `judgement`. Call again after anything has happened by it. */
  advance(judgement: Judgement, nowMs: number): AlarmEvent[] {
    this.#judgement = judgement;
    const events: AlarmEvent[] = [];
    if (this.#isOver(nowMs)) this.#change(nowMs, events);
    if (this.#silencedUntilMs !== undefined && nowMs >= this.#silencedUntilMs) {
      this.#silencedUntilMs = undefined;
      events.push('unsilenced');
    }
    this.#escalate(nowMs, events);
    return events;
  }

  acknowledge(): AlarmEvent[] {
    if (!this.stands || this.#isAcknowledged) return [];
    this.#isAcknowledged = true;
    this.#silencedUntilMs = undefined;
    if (this.#isActive) return ['acknowledged'];
    this.#clear();
    return ['acknowledged', 'cleared'];
  }

  /** For so long from now on, whatever was said before. */
  silence(forMs: number, nowMs: number): AlarmEvent[] {
    if (!this.stands || this.#isAcknowledged) return [];
    this.#silencedUntilMs = nowMs + forMs;
    return ['silenced'];
  }

  /** Whether the condition has begun, or has been gone, for long enough. */
  #isOver(nowMs: number): boolean {
    const { begins, ends } = this.#judgement;
    const changes = this.#isActive ? ends : begins;
    if (changes === false) this.#changingMs = undefined;
    if (changes !== true) return false;
    this.#changingMs ??= nowMs;
    return nowMs >= this.#changingMs + (this.#isActive ? this.#settings.clearAfterMs : this.#settings.afterMs);
  }

  #change(nowMs: number, events: AlarmEvent[]): void {
    this.#changingMs = undefined;
    this.#isActive = !this.#isActive;
    if (this.#isActive && !this.stands) {
      this.#raisedMs = nowMs;
      events.push('raised');
    } else if (!this.#isActive && (this.#isAcknowledged || !this.#settings.isLatched)) {
      this.#clear();
      events.push('cleared');
    }
  }

  #escalate(nowMs: number, events: AlarmEvent[]): void {
    for (;;) {
      const step = this.sounds ? this.#settings.escalation[this.#escalated] : undefined;
      if (step === undefined || nowMs < (this.#raisedMs as number) + step.afterMs) return;
      this.#escalated += 1;
      events.push('escalated');
    }
  }

  #clear(): void {
    this.#raisedMs = undefined;
    this.#isAcknowledged = false;
    this.#silencedUntilMs = undefined;
    this.#escalated = 0;
  }
}
