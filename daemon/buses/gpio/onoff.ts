import { MooringError } from '../../../runtime/errors.ts';

/** What is used of the package `onoff`, which is optional: it may be absent, or not built. Source: its README, 6.0.3. */
export interface OnoffGpio {
  writeSync(value: 0 | 1): void;
  watch(listener: (error: Error | null | undefined, value: 0 | 1) => void): void;
  unexport(): void;
}

export type OnoffClass = new (
  number: number,
  direction: 'in' | 'high' | 'low',
  edge?: 'none' | 'rising' | 'falling' | 'both',
) => OnoffGpio;

/** Throws `PORT_ABSENT` where the package is not there or does not load. */
export async function loadOnoff(specifier: string, line: string): Promise<OnoffClass> {
  try {
    const module = (await import(specifier)) as { readonly Gpio: OnoffClass };
    return module.Gpio;
  } catch (cause) {
    throw new MooringError('PORT_ABSENT', 'the package onoff does not load', {
      cause,
      context: { line },
      hint: "Install libgpiod's tools instead (`sudo apt install gpiod`), or build the package: `npm rebuild epoll` needs a compiler.",
    });
  }
}
