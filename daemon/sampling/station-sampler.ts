import type { Flag, Location, MetricValue, Observation } from '../../protocol/record.ts';
import type { Clock } from '../../runtime/clock.ts';
import type { Log } from '../../runtime/log.ts';
import type { Channel } from './channel.ts';
import { alignedStartMs, Metronome, type Tick } from './metronome.ts';
import { roundLocation } from './place.ts';
import type { CalibrationsUsed, Share } from './pushed-values.ts';
import type { StationSettings } from './station.ts';
import type { ClockLabel, ClockSource } from './wall.ts';

export interface StationSamplerOptions {
  readonly settings: Pick<StationSettings, 'name' | 'everyMs' | 'location'>;
  readonly channels: readonly Channel[];
  readonly clock: Clock;
  readonly log: Log;
  readonly source: ClockSource;
  readonly onRecord: (observation: Observation) => void;
  /** Ticks that were due while the process stood still. */
  readonly onMissed: (count: number) => void;
}

/** A record in the making. */
interface OpenTick {
  readonly dueMs: number;
  readonly label: ClockLabel;
  readonly metrics: Record<string, MetricValue>;
  readonly flags: Record<string, Flag>;
  readonly calibrations: Record<string, CalibrationsUsed[string]>;
  isWhole: boolean;
}

const MISSING: Flag = 9;
/** Missed ticks are reported no more often, so that a machine that is too slow is not made slower. */
const MISSED_REPORT_MS = 60_000;
/** A record later than its sensors' deadlines by this much is a fault of ours. */
const GRACE_MS = 5000;

/**
 * Makes one record a tick out of a station's sensors. At a tick all that are due are asked at once; the record is made
 * when all have answered or their deadlines have passed. Records leave in the order of their ticks.
 */
export class StationSampler {
  readonly #options: StationSamplerOptions;
  readonly #metronome: Metronome;
  readonly #open: OpenTick[] = [];
  #onIdle: (() => void)[] = [];
  #lastDueMs: number | undefined;
  #ticks = 0;
  #missed = 0;
  #unreported = 0;
  #reportedMs = -Infinity;

  constructor(options: StationSamplerOptions) {
    this.#options = options;
    this.#metronome = new Metronome(options.clock, options.settings.everyMs, (tick) => this.#tick(tick));
  }

  get name(): string {
    return this.#options.settings.name;
  }

  get channels(): readonly Channel[] {
    return this.#options.channels;
  }

  /** When the newest record that was made was due, on the monotonic clock. */
  get lastTickDueMs(): number | undefined {
    return this.#lastDueMs;
  }

  /** Records made. */
  get ticks(): number {
    return this.#ticks;
  }

  /** Ticks that were never run. */
  get missed(): number {
    return this.#missed;
  }

  start(): void {
    const { clock, settings, source } = this.#options;
    this.#metronome.start(alignedStartMs(clock.monotonicMs(), settings.everyMs, source.offsetMs()));
  }

  /** No tick comes after this; what sensors have said since the last one goes into a record of its own. */
  stop(): void {
    this.#metronome.stop();
    this.#reportMissed();
    const shares = this.#takePushed();
    if (shares.some(({ metrics }) => Object.keys(metrics).length > 0)) {
      const nowMs = this.#options.clock.monotonicMs();
      const tick = this.#openTick(nowMs);
      for (const share of shares) addTo(tick, share);
      this.#finish(tick);
    }
  }

  /** Resolves when every record that was begun has been made. */
  async idle(): Promise<void> {
    if (this.#open.length > 0) await new Promise<void>((resolve) => this.#onIdle.push(resolve));
  }

  /** What is wrong at `nowMs` (monotonic), or undefined: a tick that is due and was not run, a record that was not made. */
  health(nowMs: number): string | undefined {
    const { channels } = this.#options;
    const deadlineMs = Math.max(0, ...channels.map(({ settings }) => settings.deadlineMs));
    const nextDueMs = this.#metronome.nextDueMs ?? Infinity;
    if (nowMs - nextDueMs > GRACE_MS) return `a tick of ${this.name} was not run`;
    const oldestMs = this.#open[0]?.dueMs ?? Infinity;
    return nowMs - oldestMs > deadlineMs + GRACE_MS ? `a record of ${this.name} was not made` : undefined;
  }

  #tick({ index, dueMs, skipped }: Tick): void {
    this.#miss(skipped);
    const tick = this.#openTick(dueMs);
    for (const share of this.#takePushed()) addTo(tick, share);
    const due = this.#options.channels.filter((channel) => channel.isDue(index));
    if (due.length === 0) this.#finish(tick);
    else void this.#ask(tick, due);
  }

  #openTick(dueMs: number): OpenTick {
    const label = this.#options.source.label(dueMs);
    const tick = { dueMs, label, metrics: {}, flags: {}, calibrations: {}, isWhole: false };
    this.#open.push(tick);
    return tick;
  }

  #takePushed(): Share[] {
    return this.#options.channels.flatMap((channel) => channel.takePushed() ?? []);
  }

  /** A rejection here would be a bug, and ends the process as such: sensors' errors stay with their supervisors. */
  async #ask(tick: OpenTick, due: readonly Channel[]): Promise<void> {
    await Promise.all(due.map(async (channel) => addTo(tick, await channel.ask())));
    this.#finish(tick);
  }

  #finish(tick: OpenTick): void {
    tick.isWhole = true;
    for (let next = this.#open[0]; next?.isWhole === true; next = this.#open[0]) {
      this.#open.shift();
      this.#ticks += 1;
      this.#lastDueMs = next.dueMs;
      // Here and not as it is read: records that are made later may have values of the one before.
      for (const channel of this.#options.channels) channel.tell(next.calibrations);
      this.#options.onRecord(this.#recordOf(next));
    }
    if (this.#open.length === 0) for (const resolve of this.#onIdle.splice(0)) resolve();
  }

  #recordOf({ label, metrics, flags }: OpenTick): Observation {
    const location = this.#location();
    return {
      station: this.name,
      kind: 'sample',
      ...label,
      metrics,
      flags,
      ...(location === undefined ? {} : { location }),
    };
  }

  #location(): Location | undefined {
    const { settings, channels } = this.#options;
    if (settings.location !== 'gps') return settings.location;
    const places = channels.flatMap((channel) => channel.place() ?? []);
    const newest = places.reduce<(typeof places)[number] | undefined>(
      (best, place) => (best === undefined || place.heardMs > best.heardMs ? place : best),
      undefined,
    );
    return newest === undefined ? undefined : roundLocation(newest.location);
  }

  #miss(count: number): void {
    this.#missed += count;
    this.#unreported += count;
    if (this.#options.clock.monotonicMs() - this.#reportedMs >= MISSED_REPORT_MS) this.#reportMissed();
  }

  #reportMissed(): void {
    if (this.#unreported === 0) return;
    const count = this.#unreported;
    this.#unreported = 0;
    this.#reportedMs = this.#options.clock.monotonicMs();
    this.#options.log.warn({ count }, 'ticks were missed: the process stood still');
    this.#options.onMissed(count);
  }
}

function addTo({ metrics, flags, calibrations }: OpenTick, share: Share): void {
  Object.assign(metrics, share.metrics);
  Object.assign(calibrations, share.calibrations);
  Object.assign(flags, share.flags);
  for (const name of share.missing) if (!Object.hasOwn(metrics, name)) flags[name] = MISSING;
}
