/**
 * Temperature and pressure of the BMP280 and the BME280 from what their converters give and the words that each chip was
 * trimmed with: the formulas in double precision of BST-BMP280-DS001 (section 8.1) and BST-BME280-DS002 (appendix 8.1).
 */

/** `dig_T1` to `dig_T3` and `dig_P1` to `dig_P9`. */
export interface Trimming {
  readonly t: readonly [number, number, number];
  readonly p: readonly [number, number, number, number, number, number, number, number, number];
}

/** Where they stand, and how many bytes. */
export const TRIMMING_REGISTER = 0x88;
export const TRIMMING_BYTES = 24;

/** Undefined where these cannot be the words of a chip: `dig_T1` and `dig_P1` are never 0 nor all ones. */
export function trimmingOf(bytes: Buffer): Trimming | undefined {
  const word = (index: number): number => bytes.readInt16LE(2 * index);
  const [t1, p1] = [bytes.readUInt16LE(0), bytes.readUInt16LE(6)];
  if ([t1, p1].some((first) => first === 0 || first === 0xffff)) return undefined;
  return {
    t: [t1, word(1), word(2)],
    p: [p1, word(4), word(5), word(6), word(7), word(8), word(9), word(10), word(11)],
  };
}

/** The temperature as the other formulas want it: 5120 a degree. */
export function fineTemperature(raw: number, { t: [t1, t2, t3] }: Trimming): number {
  const linear = (raw / 16_384 - t1 / 1024) * t2;
  const square = (raw / 131_072 - t1 / 8192) ** 2 * t3;
  return linear + square;
}

/** °C. */
export function temperatureOf(fine: number): number {
  return fine / 5120;
}

/** hPa; not finite for trimming words that no chip has. */
export function pressureOf(raw: number, fine: number, { p }: Trimming): number {
  const [p1, p2, p3, p4, p5, p6, p7, p8, p9] = p;
  const centred = fine / 2 - 64_000;
  const offset = ((centred ** 2 * p6) / 32_768 + centred * p5 * 2) / 4 + p4 * 65_536;
  const gain = (1 + ((p3 * centred ** 2) / 524_288 + p2 * centred) / 524_288 / 32_768) * p1;
  const linear = ((1_048_576 - raw - offset / 4096) * 6250) / gain;
  const pascals = linear + ((p9 * linear ** 2) / 2_147_483_648 + (linear * p8) / 32_768 + p7) / 16;
  return pascals / 100;
}
