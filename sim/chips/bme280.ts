import { Bmp280Chip, type Bmp280Options, type Bmp280Trimming, EXAMPLE_TRIMMING, root } from './bmp280.ts';

export type Bme280Trimming = Bmp280Trimming & Readonly<Record<'H1' | 'H2' | 'H3' | 'H4' | 'H5' | 'H6', number>>;

/** The BMP280's example, as the BME280's data sheet has none; humidity as in chips that are sold. */
export const USUAL_TRIMMING: Bme280Trimming = {
  ...EXAMPLE_TRIMMING,
  H1: 75,
  H2: 370,
  H3: 0,
  H4: 310,
  H5: 50,
  H6: 30,
};

/** Beside those of the BMP280, `humidity` in %. */
export interface Bme280Options extends Bmp280Options {
  readonly trimming?: Bme280Trimming;
}

/** BME280 by its data sheet, BST-BME280-DS002: a BMP280 with a converter for humidity. */
export class Bme280Chip extends Bmp280Chip {
  override id = 0x60;
  declare protected readonly options: Bme280Options;
  /** `ctrl_hum` counts from when `ctrl_meas` was written after it. */
  #humidityBits = 0;

  constructor(options: Bme280Options) {
    super(options);
  }

  protected override powerOn(): void {
    super.powerOn();
    this.registers.set([0x80, 0], 0xfd);
  }

  protected override burn(): void {
    super.burn();
    const { H1, H2, H3, H4, H5, H6 } = this.#trimming();
    this.registers.writeUInt8(H1, 0xa1);
    this.registers.writeInt16LE(H2, 0xe1);
    this.registers.writeUInt8(H3, 0xe3);
    // Three bytes for two words of twelve bits: H4's high end, both low ends, H5's high end.
    this.registers.writeUInt8((H4 & 0xff0) >> 4, 0xe4);
    this.registers.writeUInt8(((H5 & 0x00f) << 4) | (H4 & 0x00f), 0xe5);
    this.registers.writeUInt8((H5 & 0xff0) >> 4, 0xe6);
    this.registers.writeInt8(H6, 0xe7);
  }

  protected override isWritable(register: number): boolean {
    return register === 0xf2;
  }

  protected override measuringMs(): number {
    this.#humidityBits = (this.registers[0xf2] as number) & 7;
    const humidity = this.oversamplingOf(this.#humidityBits);
    return super.measuringMs() + (humidity === 0 ? 0 : 2 * humidity + 0.5);
  }

  protected override measure(): void {
    super.measure();
    const raw = this.stuck.humidity ?? this.#rawHumidity(this.true('humidity'), 5120 * this.true('temperature'));
    const value = this.#humidityBits === 0 ? 0x8000 : Math.min(0xffff, Math.max(0, Math.round(raw)));
    this.registers.writeUInt16BE(value, 0xfd);
  }

  #rawHumidity(humidity: number, fine: number): number {
    const { H1, H2, H3, H4, H5, H6 } = this.#trimming();
    const v = fine - 76_800;
    const linear = root(-H1 / 2 ** 19, 1, -humidity);
    const sensitivity = (H2 / 2 ** 16) * (1 + (H6 * v) / 2 ** 26 + (H6 * H3 * v * v) / 2 ** 52);
    return linear / sensitivity + 64 * H4 + (H5 * v) / 2 ** 14;
  }

  #trimming(): Bme280Trimming {
    return this.options.trimming ?? USUAL_TRIMMING;
  }
}
