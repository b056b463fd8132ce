import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

type Listener = (error: Error | null, level: 0 | 1) => void;

/** A stand-in for the package onoff over a folder, with what a test plays the kernel with. */
export interface FakeOnoff {
  readonly Gpio: ReturnType<typeof classOver>;
  /** The kernel tells of an edge, or of an error. */
  tell(number: number, told: 0 | 1 | Error): void;
}

/** @param root stands for /sys/class/gpio, and has the same files in the same state as after the package (onoff 6.0.3, onoff.js) */
export function fakeOnoff(root: string): FakeOnoff {
  const listeners = new Map<number, Listener>();
  return {
    Gpio: classOver(root, listeners),
    tell(number, told) {
      if (told instanceof Error) listeners.get(number)?.(told, 0);
      else listeners.get(number)?.(null, told);
    },
  };
}

function classOver(root: string, listeners: Map<number, Listener>) {
  return class {
    readonly #number: number;
    readonly #folder: string;

    constructor(number: number, direction: 'in' | 'high' | 'low') {
      this.#number = number;
      this.#folder = join(root, `gpio${number}`);
      // What the kernel says to a number that is another driver's.
      if (existsSync(join(root, `taken${number}`))) throw new Error('EBUSY: resource busy, write');
      mkdirSync(this.#folder, { recursive: true });
      writeFileSync(join(this.#folder, 'direction'), direction === 'in' ? 'in' : 'out');
      writeFileSync(join(this.#folder, 'value'), direction === 'high' ? '1' : '0');
    }

    writeSync(level: 0 | 1): void {
      writeFileSync(join(this.#folder, 'value'), String(level));
    }

    watch(listener: Listener): void {
      listeners.set(this.#number, listener);
    }

    unexport(): void {
      listeners.delete(this.#number);
      rmSync(this.#folder, { recursive: true, force: true });
    }
  };
}
