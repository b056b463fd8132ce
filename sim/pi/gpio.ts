import type { GpioEdge, GpioInput, GpioInputSettings } from '../../drivers/driver.ts';
import type { Clock } from '../../runtime/clock.ts';
import { MooringError } from '../../runtime/errors.ts';

/** A GPIO line whose level somebody sets; an input that is open on it hears of the edges. */
export class SimulatedLine {
  readonly name: string;
  readonly #clock: Clock;
  #level: 0 | 1 = 1;
  #listener: ((edge: GpioEdge) => void) | undefined;
  #onLost: ((error: MooringError) => void) | undefined;
  #isAbsent = false;
  #held: (() => void)[] | undefined;
  /** Contacts that bounce: each time they close they open and close again, so often, within two milliseconds. */
  bounces = 0;

  constructor(name: string, clock: Clock) {
    this.name = name;
    this.#clock = clock;
  }

  get level(): 0 | 1 {
    return this.#level;
  }

  /** Whether a program has taken it. */
  get isTaken(): boolean {
    return this.#listener !== undefined;
  }

  /** @param atMs when, on the monotonic clock; now if left out */
  set(level: 0 | 1, atMs: number = this.#clock.monotonicMs()): void {
    if (level === this.#level) return;
    this.#level = level;
    this.#listener?.({ level, atMs });
  }

  /** A contact to ground that closes and opens again. */
  pulse(atMs: number = this.#clock.monotonicMs()): void {
    for (let bounce = 0; bounce <= this.bounces; bounce += 1) {
      this.set(0, atMs + (2 * bounce) / (this.bounces + 1));
      this.set(1, atMs + (2 * bounce + 1) / (this.bounces + 1));
    }
  }

  /** The chip of the line goes away, and comes back. */
  set isAbsent(isAbsent: boolean) {
    this.#isAbsent = isAbsent;
    if (!isAbsent) return;
    this.#onLost?.(new MooringError('PORT_LOST', 'the simulated line is gone', this.#context()));
    this.#listener = undefined;
    this.#onLost = undefined;
  }

  /** Whether the tools that open the line do not come back. */
  set isHung(isHung: boolean) {
    const held = this.#held ?? [];
    this.#held = isHung ? held : undefined;
    if (!isHung) for (const resolve of held) resolve();
  }

  /** Resolves when the tools have come back. */
  async answered(): Promise<void> {
    const held = this.#held;
    if (held === undefined) await Promise.resolve();
    else await new Promise<void>((resolve) => held.push(resolve));
  }

  input(settings: GpioInputSettings): GpioInput {
    return new SimulatedInput(this, settings);
  }

  /** For a program, which hears of edges by `listener`. Throws `PORT_ABSENT`, `PORT_BUSY`. */
  take(listener: (edge: GpioEdge) => void, onLost: (error: MooringError) => void): void {
    if (this.#isAbsent) throw new MooringError('PORT_ABSENT', 'there is no simulated line', this.#context());
    if (this.isTaken) throw new MooringError('PORT_BUSY', 'the simulated line is taken', this.#context());
    this.#listener = listener;
    this.#onLost = onLost;
  }

  /** Nothing where another program has it by now. Left out: whoever has it ends. */
  release(listener = this.#listener): void {
    if (this.#listener !== listener) return;
    this.#listener = undefined;
    this.#onLost = undefined;
  }

  #context(): { readonly context: { readonly line: string } } {
    return { context: { line: this.name } };
  }
}

class SimulatedInput implements GpioInput {
  readonly #line: SimulatedLine;
  readonly #settings: GpioInputSettings;
  #edges: GpioEdge[] = [];
  #end: { readonly error: MooringError | undefined } | undefined;
  #wake: (() => void) | undefined;
  #lastMs = -Infinity;
  readonly #listener = (edge: GpioEdge): void => this.#hear(edge);

  constructor(line: SimulatedLine, settings: GpioInputSettings) {
    this.#line = line;
    this.#settings = settings;
  }

  async open(signal: AbortSignal): Promise<void> {
    await this.close();
    await this.#line.answered();
    signal.throwIfAborted();
    this.#edges = [];
    this.#end = undefined;
    this.#line.take(this.#listener, (error) => this.#finish(error));
  }

  async *edges(signal: AbortSignal): AsyncGenerator<GpioEdge> {
    const onAbort = (): void => this.#wake?.();
    signal.addEventListener('abort', onAbort);
    try {
      while (!signal.aborted) {
        const edge = this.#edges.shift();
        if (edge !== undefined) {
          yield edge;
        } else if (this.#end === undefined) {
          await new Promise<void>((resolve) => {
            this.#wake = resolve;
          });
        } else {
          if (this.#end.error !== undefined) throw this.#end.error;
          return;
        }
      }
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }

  async close(): Promise<void> {
    this.#line.release(this.#listener);
    this.#finish(undefined);
    await Promise.resolve();
  }

  #hear(edge: GpioEdge): void {
    const { edge: wanted, debounceMs } = this.#settings;
    if (wanted === 'rising' && edge.level === 0) return;
    if (wanted === 'falling' && edge.level === 1) return;
    const isBounce = edge.atMs - this.#lastMs < debounceMs;
    this.#lastMs = edge.atMs;
    if (isBounce) return;
    this.#edges.push(edge);
    this.#wake?.();
  }

  #finish(error: MooringError | undefined): void {
    this.#end ??= { error };
    this.#wake?.();
  }
}
