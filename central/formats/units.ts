/** A unit as `base · factor + offset`, where the base is that of its quantity. */
interface Unit {
  readonly symbol: string;
  readonly quantity: string;
  readonly factor: number;
  readonly offset: number;
}

type Row = readonly [quantity: string, symbol: string, factor: number, aliases: string, offset?: number];

/** Factors are whole where they can be, so that 101325 Pa is 1013.25 hPa and nothing near it. */
const ROWS: readonly Row[] = [
  ['temperature', '°C', 1, 'C ℃ degC Cel celsius'],
  ['temperature', 'K', 1, 'kelvin', -273.15],
  ['temperature', '°F', 5 / 9, 'F ℉ degF fahrenheit', -160 / 9],
  ['pressure', 'Pa', 1, 'pascal'],
  ['pressure', 'hPa', 100, 'mbar mb'],
  ['pressure', 'kPa', 1000, ''],
  ['pressure', 'bar', 100_000, ''],
  ['part', '%', 1, '%RH RH% percent'],
  ['concentration', 'ppb', 1, ''],
  ['concentration', 'ppm', 1000, ''],
  ['density', 'µg/m³', 1, 'ug/m3 ug/m^3'],
  ['density', 'mg/m³', 1000, 'mg/m3 mg/m^3'],
  ['density', 'kg/m³', 1e9, 'kg/m3 kg/m^3'],
  ['light', 'lx', 1, 'lux'],
  ['sound', 'dB', 1, 'dBA dB(A)'],
  ['power level', 'dBm', 1, ''],
  ['voltage', 'mV', 1, ''],
  ['voltage', 'V', 1000, 'volt'],
  ['current', 'mA', 1, ''],
  ['current', 'A', 1000, 'ampere'],
  ['speed', 'm/s', 1, 'mps m.s-1'],
  ['speed', 'km/h', 1 / 3.6, 'kmh kph'],
  ['speed', 'kn', 1852 / 3600, 'kt knots'],
  ['length', 'mm', 1, ''],
  ['length', 'cm', 10, ''],
  ['length', 'm', 1000, ''],
  ['time', 'ms', 1, ''],
  ['time', 's', 1000, 'sec'],
  ['time', 'min', 60_000, ''],
  ['time', 'h', 3_600_000, ''],
  ['angle', '°', 1, 'deg'],
  ['irradiance', 'W/m²', 1, 'W/m2 W/m^2'],
  ['photon flux', 'µmol/m²/s', 1, 'umol/m2/s umol/m^2/s'],
  ['energy', 'Wh', 1, ''],
  ['energy', 'kWh', 1000, ''],
  ['volume', 'l', 1, 'L litre liter'],
  ['volume', 'm³', 1000, 'm3 m^3'],
];

const units: ReadonlyMap<string, Unit> = new Map(
  ROWS.flatMap(([quantity, symbol, factor, aliases, offset = 0]) =>
    [symbol, ...aliases.split(' ')]
      .filter((name) => name !== '')
      .map((name) => [plain(name), { symbol, quantity, factor, offset }] as const),
  ),
);

/** As they are written → what they are; to look at the characters each time is a tenth of what a message costs. */
const written = new Map<string, Unit | undefined>();
const WRITTEN_MAX = 1024;

function unitOf(text: string): Unit | undefined {
  if (!written.has(text)) {
    if (written.size === WRITTEN_MAX) written.clear();
    written.set(text, units.get(plain(text)));
  }
  return written.get(text);
}

/** The symbol that is used here for a unit: `C`, `℃` and `°C` are one. What is not known stays as it is. */
export function unitSymbolOf(unit: string): string {
  return unitOf(unit)?.symbol ?? unit.trim();
}

/** Digits that a converted value keeps below the last one that was said: 9 kn are 4.63 m/s, and 1 kn 0.5144. */
const DIGITS_MORE = 3;
/** What a number holds for certain: what stands behind them is the arithmetic's, not the device's. */
const DIGITS_MAX = 15;

/**
 * A value in another unit, or undefined where the one is not known or the two measure different things. It is rounded three
 * decimal places below what the last digit of the value is worth in the new unit, and to 15 digits: ids follow from what a
 * record says, and must not follow from the order of a multiplication. A whole number is taken as said to the unit.
 */
export function convert(value: number, from: string, to: string): number | undefined {
  const source = unitOf(from);
  const target = unitOf(to);
  if (source === undefined || target === undefined) return plain(from) === plain(to) ? value : undefined;
  if (source.symbol === target.symbol) return value;
  if (source.quantity !== target.quantity) return undefined;
  const exact = (value * source.factor + source.offset - target.offset) / target.factor;
  if (!Number.isFinite(exact)) return exact;
  const place = lastPlaceOf(value) + exponentOf(source.factor / target.factor) - DIGITS_MORE;
  const rounded = place < 0 ? Number(exact.toFixed(Math.min(-place, PLACES_MAX))) : exact;
  return Number(rounded.toPrecision(DIGITS_MAX));
}

/** Most places that `toFixed` takes. */
const PLACES_MAX = 100;

/** Power of ten of the last digit that a number is written with: −1 for 21.5, 0 for 300. */
function lastPlaceOf(value: number): number {
  const [digits = '', exponent] = value.toExponential().split('e');
  const point = digits.indexOf('.');
  return Math.min(0, Number(exponent) - (point === -1 ? 0 : digits.length - point - 1));
}

/** Power of ten of the first digit. */
function exponentOf(value: number): number {
  return Number(value.toExponential().split('e')[1]);
}

/** One spelling for the same characters: ℃ is ° and C, ³ is 3, and the two that look like µ are one. */
function plain(unit: string): string {
  return unit.trim().normalize('NFKC').replace(/\s+/g, '');
}
