import type { GpioEdge, GpioInput, GpioInputSettings } from '../../drivers/driver.ts';
import type { Clock } from '../../runtime/clock.ts';
import type { MooringError } from '../../runtime/errors.ts';
import type { Random } from '../../runtime/random.ts';
import { LineSupervisor } from './line-supervisor.ts';
import type { ButtonAction, ButtonSettings } from './settings.ts';

export interface ButtonOptions {
  readonly settings: ButtonSettings;
  readonly clock: Clock;
  readonly random: Random;
  readonly gpioInput: (settings: GpioInputSettings) => GpioInput;
  readonly onAction: (action: ButtonAction) => void;
  /** Once when it has failed, with why; once when it is well again, without. */
  readonly onChange: (error: MooringError | undefined) => void;
}

export interface ButtonStatus {
  readonly button: string;
  readonly state: 'ok' | 'failed';
  readonly reason?: string;
}

/** A button that is down for this long is held, in milliseconds. */
export const HOLD_MS = 2000;

/**
 * A push button. Where it can be held, a press acts when it is let go, and a hold as soon as it is one; else a press acts at
 * once. What was down before the line was opened is no press.
 */
export class Button {
  readonly #options: ButtonOptions;
  readonly #input: GpioInput;
  readonly #supervisor: LineSupervisor;
  /** Stops waiting for the hold; undefined while it is up, and when the hold has acted. */
  #cancelHold: (() => void) | undefined;

  constructor(options: ButtonOptions) {
    const { settings, clock, random, gpioInput, onChange } = options;
    const { line, bias, debounceMs } = settings;
    this.#options = options;
    this.#input = gpioInput({ line, bias, edge: 'both', debounceMs });
    this.#supervisor = new LineSupervisor({
      clock,
      random,
      open: async (signal) => await this.#input.open(signal),
      serve: async (signal) => await this.#serve(signal),
      close: async () => await this.#input.close(),
      onChange,
    });
  }

  /** Resolves when the first attempt to open it has ended, either way. */
  async start(): Promise<void> {
    await this.#supervisor.start();
  }

  async stop(): Promise<void> {
    await this.#supervisor.stop();
  }

  status(): ButtonStatus {
    const { name } = this.#options.settings;
    const { failure } = this.#supervisor;
    return failure === undefined
      ? { button: name, state: 'ok' }
      : { button: name, state: 'failed', reason: failure.message };
  }

  async #serve(signal: AbortSignal): Promise<void> {
    try {
      for await (const edge of this.#input.edges(signal)) this.#edge(edge);
    } finally {
      this.#cancelHold?.();
      this.#cancelHold = undefined;
    }
  }

  #edge({ level }: GpioEdge): void {
    const { settings, clock, onAction } = this.#options;
    const { press, hold, active } = settings;
    const isDown = level === (active === 'high' ? 1 : 0);
    if (hold === undefined) {
      if (isDown && press !== undefined) onAction(press);
      return;
    }
    const wasWaiting = this.#cancelHold !== undefined;
    this.#cancelHold?.();
    this.#cancelHold = undefined;
    if (isDown) {
      this.#cancelHold = clock.after(HOLD_MS, () => {
        this.#cancelHold = undefined;
        onAction(hold);
      });
    } else if (wasWaiting && press !== undefined) {
      onAction(press);
    }
  }
}
