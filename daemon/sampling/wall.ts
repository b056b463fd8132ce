import { BOUNDS, type ClockState, type Observation } from '../../protocol/record.ts';
import type { Clock } from '../../runtime/clock.ts';
import { GpsTime } from './gps-time.ts';

/** Where labels come from. Nothing waits or measures by it. */
export interface ClockSource {
  /** UTC minus monotonic time in milliseconds, with a fraction; may step at any time. */
  offsetMs(): number;
  /** How far a label can be trusted now. */
  state(): ClockState;
  /** The label of a moment on the monotonic clock; of now, where it is left out. */
  label(atMonotonicMs?: number): ClockLabel;
  /** A receiver with a fix said this dated UTC time, just now. */
  heardUtc(utcMs: number): void;
}

export type ClockLabel = Pick<Observation, 'timestampMs' | 'clock'>;

export interface WallClockOptions {
  readonly clock: Clock;
  /** Whether the system's clock is disciplined: `kernelClockIsSynchronised` of `runtime/kernel-clock.ts`. */
  readonly isSynchronised: () => boolean;
  /** What the hardware clock says, in UTC milliseconds: `hardwareClockMs` of `runtime/kernel-clock.ts`. Never rejects. */
  readonly hardwareMs: () => Promise<number | undefined>;
}

/** How long an answer of the system about its clock holds, in milliseconds. */
const STATE_HOLDS_MS = 10_000;
/** The system's clock and the hardware clock agree within this: the hardware clock has whole seconds. */
const HARDWARE_AGREES_MS = 5000;
/** Wall and monotonic clock of one system advance alike; a difference above this is a step, below it a late read. */
const STEP_MS = 10;

/**
 * Labels by the best clock there is: `synced` where something disciplines the system's clock; else `gps` while a
 * receiver's time of the last ten minutes is known, which then makes the labels; else `rtc` where a hardware clock agrees
 * with the system's; else `unsynced`.
 */
export class WallClock implements ClockSource {
  readonly #options: WallClockOptions;
  readonly #gps = new GpsTime();
  #systemOffsetMs: number;
  #system: { readonly isSynchronised: boolean; readonly askedMs: number } | undefined;
  #isHardwareRight = false;
  #isHardwareAsked = false;

  constructor(options: WallClockOptions) {
    this.#options = options;
    this.#systemOffsetMs = measureOffsetMs(options.clock);
    // So that it has answered when the first label is made.
    void this.#askHardware();
  }

  heardUtc(utcMs: number): void {
    this.#gps.heard(utcMs, this.#options.clock.monotonicMs());
  }

  state(): ClockState {
    return this.#now().state;
  }

  offsetMs(): number {
    return this.#now().offsetMs;
  }

  label(atMonotonicMs: number = this.#options.clock.monotonicMs()): ClockLabel {
    const { state, offsetMs } = this.#now();
    const timestampMs = Math.round(atMonotonicMs + offsetMs);
    return {
      timestampMs: Math.min(BOUNDS.timestampMsMax, Math.max(BOUNDS.timestampMsMin, timestampMs)),
      clock: state,
    };
  }

  #now(): { readonly state: ClockState; readonly offsetMs: number } {
    const nowMs = this.#options.clock.monotonicMs();
    this.#follow();
    const system = this.#systemState(nowMs);
    const gpsOffsetMs = system === 'synced' ? undefined : this.#gps.offsetMs(nowMs);
    return gpsOffsetMs === undefined
      ? { state: system, offsetMs: this.#systemOffsetMs }
      : { state: 'gps', offsetMs: gpsOffsetMs };
  }

  /** Keeps the offset as it is but for steps: labels of regular ticks are regular to the millisecond. */
  #follow(): void {
    const { clock } = this.#options;
    const roughMs = clock.wallMs() - clock.monotonicMs();
    if (Math.abs(roughMs - this.#systemOffsetMs) <= STEP_MS) return;
    const offsetMs = measureOffsetMs(clock);
    if (Math.abs(offsetMs - this.#systemOffsetMs) <= STEP_MS) return;
    this.#systemOffsetMs = offsetMs;
    this.#system = undefined;
    this.#isHardwareRight = false;
  }

  #systemState(nowMs: number): Exclude<ClockState, 'gps'> {
    if (this.#system === undefined || nowMs - this.#system.askedMs >= STATE_HOLDS_MS) {
      this.#system = { isSynchronised: this.#options.isSynchronised(), askedMs: nowMs };
      if (!this.#system.isSynchronised) void this.#askHardware();
    }
    if (this.#system.isSynchronised) return 'synced';
    return this.#isHardwareRight ? 'rtc' : 'unsynced';
  }

  /** Nobody waits for it, as its chip shares a bus with sensors. While it does not answer it is not asked again, nor believed. */
  async #askHardware(): Promise<void> {
    const { clock, hardwareMs } = this.#options;
    if (this.#isHardwareAsked) {
      this.#isHardwareRight = false;
      return;
    }
    this.#isHardwareAsked = true;
    const hardware = await hardwareMs();
    this.#isHardwareAsked = false;
    this.#isHardwareRight = hardware !== undefined && Math.abs(hardware - clock.wallMs()) <= HARDWARE_AGREES_MS;
  }
}

/** Wall minus monotonic time, by the tightest of a few pairs of reads: a process may be put aside in between. */
function measureOffsetMs(clock: Clock): number {
  let offsetMs = 0;
  let tightestMs = Infinity;
  for (let round = 0; round < 5; round += 1) {
    const beforeMs = clock.monotonicMs();
    const wallMs = clock.wallMs();
    const afterMs = clock.monotonicMs();
    if (afterMs - beforeMs >= tightestMs) continue;
    tightestMs = afterMs - beforeMs;
    offsetMs = wallMs - (beforeMs + afterMs) / 2;
  }
  return offsetMs;
}
