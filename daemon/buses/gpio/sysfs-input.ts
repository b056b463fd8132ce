import type { GpioInputSettings } from '../../../drivers/driver.ts';
import { EdgeListener } from './edge-listener.ts';
import { lineError, lostError } from './errors.ts';
import type { SysfsLine } from './found-line.ts';
import type { InputPlace, OpenInput } from './gpio-input.ts';
import { loadOnoff, type OnoffGpio } from './onoff.ts';

/** Opens a line of the older interface. Throws `PORT_ABSENT`, `PORT_BUSY`, `PORT_PERMISSION`, `PORT_LOST`. */
export async function openSysfsInput(
  settings: GpioInputSettings,
  found: SysfsLine,
  { clock, log }: InputPlace,
): Promise<OpenInput> {
  const { line, bias } = settings;
  const Gpio = await loadOnoff(found.onoff, line);
  if (bias !== 'none') {
    log.warn(
      { line, bias, hint: `Set it in config.txt: gpio=N=p${bias === 'up' ? 'u' : 'd'}.` },
      'the older GPIO interface sets no bias',
    );
  }
  const listener = new EdgeListener(settings, clock, log);
  let gpio: OnoffGpio;
  try {
    gpio = new Gpio(found.number, 'in', 'both');
  } catch (cause) {
    throw lineError(line, (cause as Error).message, 'PORT_LOST');
  }
  gpio.watch((error, level) => {
    // This interface stamps nothing.
    if (error === null || error === undefined) listener.take({ level, atMs: clock.monotonicMs() });
    else listener.end(lostError(line, error.message));
  });
  let isOpen = true;
  const close = (): Promise<void> => {
    listener.end();
    if (isOpen) gpio.unexport();
    isOpen = false;
    return Promise.resolve();
  };
  return { listener, close };
}
