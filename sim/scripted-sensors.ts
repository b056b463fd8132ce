import type { PolledSensor, PushedSensor, Reading } from '../drivers/driver.ts';

/** What a scripted sensor does when one of its methods is called; changed by the test as it goes. */
interface Script {
  open: (signal: AbortSignal) => Promise<void>;
  close: () => Promise<void>;
}

const atOnce = async (): Promise<void> => {
  await Promise.resolve();
};

/** A sensor that answers as its script says, and notes its calls. Fails a call that comes while another is under way. */
export class ScriptedPolled implements PolledSensor, Script {
  readonly mode = 'polled';
  /** Names of the calls so far. */
  readonly calls: string[] = [];
  open: Script['open'];
  close: Script['close'];
  sample: PolledSensor['sample'];

  constructor(answer: (signal: AbortSignal) => Promise<Reading>, script: Partial<Script> = {}) {
    const alone = aloneIn(this.calls);
    this.open = alone('open', async (signal) => await (script.open ?? atOnce)(signal));
    this.close = alone('close', async () => await (script.close ?? atOnce)());
    this.sample = alone('sample', answer);
  }

  count(call: string): number {
    return this.calls.filter((each) => each === call).length;
  }
}

/** A sensor that says what it is told to say. */
export class ScriptedPushed implements PushedSensor, Script {
  readonly mode = 'pushed';
  readonly calls: string[] = [];
  open: Script['open'];
  close: Script['close'];
  #waiting: (Reading | Error)[] = [];
  #wake: (() => void) | undefined;

  constructor(script: Partial<Script> = {}) {
    const alone = aloneIn(this.calls);
    this.open = alone('open', async (signal) => await (script.open ?? atOnce)(signal));
    this.close = alone('close', async () => await (script.close ?? atOnce)());
  }

  /** Says a reading, or is lost with an error. */
  say(what: Reading | Error): void {
    this.#waiting.push(what);
    this.#wake?.();
  }

  async *readings(signal: AbortSignal): AsyncGenerator<Reading> {
    signal.addEventListener('abort', () => this.#wake?.(), { once: true });
    while (!signal.aborted) {
      const next = this.#waiting.shift();
      if (next instanceof Error) throw next;
      if (next !== undefined) yield next;
      else
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
    }
  }
}

/** Wraps methods so that each notes its call, and two at a time are an error: the driver contract forbids it. */
function aloneIn(
  calls: string[],
): <P extends unknown[], R>(name: string, method: (...p: P) => Promise<R>) => (...p: P) => Promise<R> {
  let running: string | undefined;
  return (name, method) =>
    async (...parameters) => {
      if (running !== undefined) throw new Error(`${name} was called while ${running} was under way`);
      running = name;
      calls.push(name);
      try {
        return await method(...parameters);
      } finally {
        running = undefined;
      }
    };
}
