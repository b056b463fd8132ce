/** Longer than any number that a device writes. */
const CHARS_MAX = 64;
/** No digit can be matched in two ways, so that a text of digits alone costs no more than its length. */
const DECIMAL = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d{1,3})?$/i;

/**
 * The decimal number that a text is, with an exponent or without, and never -0; undefined for any other text: `0x10`, `nan`,
 * none, or more than 64 characters. `1e999` is `Infinity`.
 */
export function decimalOf(text: string): number | undefined {
  return text.length <= CHARS_MAX && DECIMAL.test(text) ? Number(text) + 0 : undefined;
}
