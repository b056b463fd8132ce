import { z } from 'zod';

/** A GPIO line, named so that it stays the same line on another kernel, where chips and numbers are others. */
export type GpioLineName =
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'offset'; readonly label: string; readonly offset: number };

/** The longest name that the kernel has room for (`GPIO_MAX_NAME_SIZE` in linux/gpio.h, less its end). */
const NAME_LENGTH_MAX = 31;
const NUMBER = /^\d+$/;
/** `gpiochip4`: the number depends on the order in which the kernel found its chips. */
const CHIP_NUMBER = /^gpiochip\d+$/;
const BY_OFFSET = /^(.+)\/(\d{1,4})$/;
/** No `/` at its beginning: that is a path, and the device file behind it is another one on another kernel. */
const FORM = /^[\x21-\x2e\x30-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/;

/** What a configuration calls a line: `GPIO17`, `pinctrl-bcm2711/17`. Undefined where the text is neither, or a number. */
export function parseLine(text: string): GpioLineName | undefined {
  const byOffset = BY_OFFSET.exec(text);
  const named = byOffset?.[1] ?? text;
  if (NUMBER.test(text) || CHIP_NUMBER.test(named)) return undefined;
  if (!FORM.test(named) || named.length > NAME_LENGTH_MAX) return undefined;
  return byOffset === null
    ? { kind: 'name', name: named }
    : { kind: 'offset', label: named, offset: Number(byOffset[2]) };
}

/** The key of a line in a configuration; `parseLine` reads what it lets through. */
export function gpioLine() {
  return z
    .string({ error: wrong })
    .refine((text) => parseLine(text) !== undefined, { error: wrong })
    .meta({
      hint: 'Write the name of the line (`GPIO17`), or the label of its chip and the offset (`pinctrl-bcm2711/17`); `gpioinfo` and `gpiodetect` list them.',
    })
    .describe('GPIO line: its name (`GPIO17`), or the label of its chip and the offset (`pinctrl-bcm2711/17`)');
}

/** A missing key keeps the general words. */
function wrong({ input }: { readonly input?: unknown }): string | undefined {
  if (input === undefined) return undefined;
  if (typeof input === 'number' || (typeof input === 'string' && NUMBER.test(input))) {
    return 'is a bare number, which is another line on another kernel';
  }
  if (typeof input === 'string' && CHIP_NUMBER.test(BY_OFFSET.exec(input)?.[1] ?? input)) {
    return 'names its chip by number, which is another chip on another kernel';
  }
  return 'is not the name of a GPIO line';
}
