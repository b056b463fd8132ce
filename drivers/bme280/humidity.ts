/**
 * Humidity of the BME280: the formula in double precision of BST-BME280-DS002, appendix 8.1.
 */

/** `dig_H1` to `dig_H6`. */
export type HumidityTrimming = readonly [number, number, number, number, number, number];

/** Where `dig_H2` to `dig_H6` stand, and how many bytes. `dig_H1` stands at 0xA1. */
export const H2_REGISTER = 0xe1;
export const H2_BYTES = 7;
export const H1_REGISTER = 0xa1;

/**
 * The words of 12 bits, `dig_H4` and `dig_H5`, share the byte 0xE5: its low half is the low end of H4, its high half that
 * of H5; the sign of each is in its high byte.
 */
export function humidityTrimmingOf(h1: number, bytes: Buffer): HumidityTrimming {
  const shared = bytes.readUInt8(4);
  return [
    h1,
    bytes.readInt16LE(0),
    bytes.readUInt8(2),
    (bytes.readInt8(3) << 4) | (shared & 0x0f),
    (bytes.readInt8(5) << 4) | (shared >> 4),
    bytes.readInt8(6),
  ];
}

/** % relative humidity, 0 to 100: what the formula gives beyond is the end, as the data sheet has it. */
export function humidityOf(raw: number, fineTemperature: number, trimming: HumidityTrimming): number {
  const [h1, h2, h3, h4, h5, h6] = trimming;
  const centred = fineTemperature - 76_800;
  const offset = h4 * 64 + (h5 / 16_384) * centred;
  const gain = (h2 / 65_536) * (1 + (h6 / 67_108_864) * centred * (1 + (h3 / 67_108_864) * centred));
  const linear = (raw - offset) * gain;
  const humidity = linear * (1 - (h1 * linear) / 524_288);
  return Math.min(100, Math.max(0, humidity));
}
