import type { TalkerSurroundings } from './talker.ts';
import { every, type Talker } from './talker.ts';

const PERIOD_MS = 1000;
const KNOT_MPS = 1852 / 3600;
const BAR_HPA = 1000;

/** What one step of a value is in these sentences, in the registry's unit: half of it is how far a value is from the truth. */
export const NMEA_STEPS: Readonly<Record<string, number>> = {
  wind_speed: 0.1,
  wind_direction: 0.1,
  apparent_wind_speed: 0.1,
  apparent_wind_angle: 0.1,
  water_temperature: 0.1,
  depth: 0.01,
  heading: 0.1,
  heading_magnetic: 0.1,
  speed_over_ground: 0.1 * KNOT_MPS,
  course_over_ground: 0.1,
  speed_through_water: 0.01 * KNOT_MPS,
  gnss_fix: 1,
  satellites: 1,
  hdop: 0.1,
  temperature: 0.1,
  dew_point: 0.1,
  humidity: 0.1,
  pressure: 0.1,
  /** Degrees; a minute of arc in five decimals. */
  lat: 1e-5 / 60,
  lon: 1e-5 / 60,
};

export interface NmeaTalkerOptions extends TalkerSurroundings {
  /** What the truth can be asked for: nothing else is said. Beside metrics `lat` and `lon`. */
  readonly knows: (quantity: string) => boolean;
  /** UTC as the satellites have it, in milliseconds. */
  readonly utcMs: () => number;
  /** What transducers are called, where it is not as a weather station of Airmar has it. */
  readonly names?: Readonly<Record<string, string | undefined>>;
}

const TRANSDUCERS: readonly (readonly [quantity: string, type: string, unit: string, name: string])[] = [
  ['temperature', 'C', 'C', 'TempAir'],
  ['dew_point', 'C', 'C', 'DewPoint'],
  ['humidity', 'H', 'P', 'Humidity'],
  ['pressure', 'P', 'B', 'Barometer'],
];

/** The instruments of a boat or a buoy behind one multiplexer: a burst of sentences a second, NMEA 0183 (IEC 61162-1). */
export class NmeaTalker implements Talker {
  readonly #options: NmeaTalkerOptions;
  #stop: (() => void) | undefined;
  /** A receiver that sees too little of the sky says so. */
  hasFix = true;

  constructor(options: NmeaTalkerOptions) {
    this.#options = options;
  }

  powerUp(say: (bytes: Uint8Array) => void): void {
    this.#stop = every(this.#options.clock, PERIOD_MS, () =>
      say(Buffer.from(this.#sentences().map(framed).join(''), 'latin1')),
    );
  }

  powerDown(): void {
    this.#stop?.();
    this.#stop = undefined;
  }

  hear(): void {
    // They only speak.
  }

  #sentences(): string[] {
    const { knows } = this.#options;
    const sentences = knows('lat') ? [this.#gga(), this.#rmc()] : [];
    if (knows('wind_speed') && knows('wind_direction')) sentences.push(this.#mwd());
    if (knows('apparent_wind_speed')) sentences.push(this.#mwv());
    if (knows('water_temperature')) sentences.push(`IIMTW,${this.#fixed('water_temperature', 1)},C`);
    if (knows('depth')) sentences.push(`SDDPT,${this.#fixed('depth', 2)},0.0,100.0`);
    if (knows('heading')) sentences.push(`HEHDT,${this.#angle('heading')},T`);
    if (knows('heading_magnetic')) sentences.push(`HCHDM,${this.#angle('heading_magnetic')},M`);
    if (knows('speed_through_water')) {
      sentences.push(`VWVHW,,T,,M,${this.#fixed('speed_through_water', 2, KNOT_MPS)},N,,K`);
    }
    return [...sentences, ...this.#transducers()];
  }

  #gga(): string {
    const [lat, lon] = [this.#degrees('lat', 2, 'NS'), this.#degrees('lon', 3, 'EW')];
    const fix = this.hasFix ? this.#whole('gnss_fix', 1) : 0;
    const sky = `${fix},${String(this.#whole('satellites', 9)).padStart(2, '0')},${this.#true('hdop', 0.9).toFixed(1)}`;
    return `GPGGA,${this.#time()},${this.hasFix ? `${lat},${lon}` : ',,,'},${sky},0.0,M,49.0,M,,`;
  }

  #rmc(): string {
    const [lat, lon] = [this.#degrees('lat', 2, 'NS'), this.#degrees('lon', 3, 'EW')];
    const [year = '', month = '', day = ''] = new Date(this.#options.utcMs()).toISOString().slice(2, 10).split('-');
    const motion = `${(this.#true('speed_over_ground', 0) / KNOT_MPS).toFixed(1)},${this.#true('course_over_ground', 0).toFixed(1)}`;
    const place = this.hasFix ? `A,${lat},${lon},${motion}` : 'V,,,,,,';
    return `GPRMC,${this.#time()},${place},${day}${month}${year},1.5,E,${this.hasFix ? 'A' : 'N'}`;
  }

  #mwd(): string {
    const magnetic = ((this.#true('wind_direction') - 1.5 + 360) % 360).toFixed(1);
    const speed = this.#true('wind_speed');
    const knots = (speed / KNOT_MPS).toFixed(1);
    return `WIMWD,${this.#angle('wind_direction')},T,${magnetic},M,${knots},N,${speed.toFixed(1)},M`;
  }

  #mwv(): string {
    return `WIMWV,${this.#angle('apparent_wind_angle')},R,${this.#fixed('apparent_wind_speed', 1)},M,A`;
  }

  #transducers(): string[] {
    const { knows, names = {} } = this.#options;
    const said = TRANSDUCERS.filter(([quantity]) => knows(quantity)).map(([quantity, type, unit, name]) => {
      const value = unit === 'B' ? (this.#true(quantity) / BAR_HPA).toFixed(4) : this.#fixed(quantity, 1);
      return `${type},${value},${unit},${names[quantity] ?? name}`;
    });
    return said.length === 0 ? [] : [`WIXDR,${said.join(',')}`];
  }

  #time(): string {
    return new Date(this.#options.utcMs()).toISOString().slice(11, 23).replaceAll(':', '');
  }

  /** Degrees and minutes in one field, then the hemisphere. */
  #degrees(quantity: string, digits: number, hemispheres: string): string {
    const value = this.#true(quantity);
    const minutes = Math.round(Math.abs(value) * 60 * 1e5);
    const whole = Math.floor(minutes / 6e6);
    const rest = ((minutes - whole * 6e6) / 1e5).toFixed(5).padStart(8, '0');
    return `${String(whole).padStart(digits, '0')}${rest},${hemispheres[value < 0 ? 1 : 0]}`;
  }

  /** Never 360. */
  #angle(quantity: string): string {
    return ((Math.round(this.#true(quantity) * 10) % 3600) / 10).toFixed(1);
  }

  #fixed(quantity: string, decimals: number, unit: number = 1): string {
    return (this.#true(quantity) / unit).toFixed(decimals);
  }

  #whole(quantity: string, otherwise: number): number {
    return Math.round(this.#true(quantity, otherwise));
  }

  #true(quantity: string, otherwise?: number): number {
    const { knows, truth } = this.#options;
    return otherwise === undefined || knows(quantity) ? truth(quantity) : otherwise;
  }
}

/** With its checksum: all bytes between `$` and `*`, exclusively or'ed. */
function framed(sentence: string): string {
  const sum = Buffer.from(sentence, 'latin1').reduce((all, byte) => all ^ byte, 0);
  return `$${sentence}*${sum.toString(16).toUpperCase().padStart(2, '0')}\r\n`;
}
