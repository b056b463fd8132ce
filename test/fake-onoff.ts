/**
 * A stand-in for the package onoff, over a folder instead of /sys/class/gpio: `?root=…` of its own URL. It leaves the same
 * files in the same state as the package does (onoff 6.0.3, onoff.js), and a test plays what the kernel would tell.
 */
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const root = new URL(import.meta.url).searchParams.get('root') ?? '';
const listeners = new Map<number, (error: Error | null, level: 0 | 1) => void>();

export class Gpio {
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

  watch(listener: (error: Error | null, level: 0 | 1) => void): void {
    listeners.set(this.#number, listener);
  }

  unexport(): void {
    listeners.delete(this.#number);
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** The kernel tells of an edge, or of an error. */
export function tell(number: number, told: 0 | 1 | Error): void {
  const listener = listeners.get(number);
  if (told instanceof Error) listener?.(told, 0);
  else listener?.(null, told);
}
