import type { ActuatorOutput, ActuatorOutputSettings, ActuatorPattern } from '../daemon/alarms/types.ts';
import type { GpioEdge, GpioInput, GpioInputSettings } from '../drivers/driver.ts';
import type { Clock } from '../runtime/clock.ts';

/** An output that plays into a list. */
export class PlayedOutput implements ActuatorOutput {
  readonly settings: ActuatorOutputSettings;
  /** What it was told while it was open, with the time. */
  readonly told: {
    readonly atMs: number;
    readonly what: 'play' | 'rest';
    readonly pattern?: ActuatorPattern;
    readonly limitMs?: number;
  }[] = [];
  readonly #clock: Clock;
  isOpen = false;
  opened = 0;
  /** Why it does not open. */
  trouble: Error | undefined;
  #untilMs = -Infinity;

  constructor(settings: ActuatorOutputSettings, clock: Clock) {
    this.settings = settings;
    this.#clock = clock;
  }

  /** Whether the helper plays: until its time is over, whatever became of who told it. */
  get plays(): boolean {
    return this.isOpen && this.#clock.monotonicMs() < this.#untilMs;
  }

  async open(): Promise<void> {
    await Promise.resolve();
    if (this.trouble !== undefined) throw this.trouble;
    this.isOpen = true;
    this.opened += 1;
  }

  play(pattern: ActuatorPattern, limitMs: number | undefined): void {
    if (!this.isOpen) throw new Error('nothing is told to an output that is not open');
    const atMs = this.#clock.monotonicMs();
    this.#untilMs = atMs + (limitMs ?? Infinity);
    this.told.push({ atMs, what: 'play', pattern, ...(limitMs === undefined ? {} : { limitMs }) });
  }

  rest(): void {
    if (!this.isOpen) throw new Error('nothing is told to an output that is not open');
    this.#untilMs = -Infinity;
    this.told.push({ atMs: this.#clock.monotonicMs(), what: 'rest' });
  }

  async close(): Promise<void> {
    await Promise.resolve();
    this.isOpen = false;
    this.#untilMs = -Infinity;
  }

  /** The helper is gone. */
  lose(error: Error): void {
    this.isOpen = false;
    this.#untilMs = -Infinity;
    this.settings.onFailure(error);
  }
}

/** An input whose edges a test makes. */
export class PushedInput implements GpioInput {
  readonly settings: GpioInputSettings;
  readonly #clock: Clock;
  #waiting: ((edge: GpioEdge | Error | undefined) => void) | undefined;
  #edges: (GpioEdge | Error)[] = [];

  constructor(settings: GpioInputSettings, clock: Clock) {
    this.settings = settings;
    this.#clock = clock;
  }

  async open(): Promise<void> {
    await Promise.resolve();
    this.#edges = [];
  }

  edge(level: 0 | 1): void {
    this.#push({ level, atMs: this.#clock.monotonicMs() });
  }

  lose(error: Error): void {
    this.#push(error);
  }

  async *edges(signal: AbortSignal): AsyncGenerator<GpioEdge> {
    signal.addEventListener('abort', () => this.#waiting?.(undefined), { once: true });
    while (!signal.aborted) {
      const next =
        this.#edges.shift() ??
        (await new Promise<GpioEdge | Error | undefined>((resolve) => {
          this.#waiting = resolve;
        }));
      if (next instanceof Error) throw next;
      if (next === undefined) return;
      yield next;
    }
  }

  async close(): Promise<void> {
    await Promise.resolve();
  }

  #push(next: GpioEdge | Error): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (waiting === undefined) this.#edges.push(next);
    else waiting(next);
  }
}
