/** What a metric's values are. A metric has one type for ever. */
export type MetricType = 'number' | 'boolean' | 'text';

export interface MetricDefinition {
  /** Stands for the name on the wire. Permanent, never reused. */
  readonly number: number;
  readonly name: string;
  readonly type: MetricType;
  /** UCUM-like symbol as shown to people; '' where dimensionless. */
  readonly unit: string;
  /** CF standard name (CF Standard Name Table) where there is one. */
  readonly cf?: string;
  /** Plausible values on site, in `unit`. */
  readonly range?: readonly [min: number, max: number];
  /** The sampler rounds to this; chosen finer than the sensors' noise. */
  readonly resolution?: number;
}

type Row = readonly [
  number: number,
  name: string,
  unit: string,
  min: number,
  max: number,
  resolution: number,
  cf?: string,
];

/**
 * Numbers up to 239 are Mooring's; add at the end, never renumber. Those above 49 travel by name until there is a version 2
 * of the batch (`docs/protocol.md`, "Versions"), so that a centre of today reads a gateway of tomorrow.
 */
const NUMBER_METRICS: readonly Row[] = [
  [1, 'temperature', '°C', -60, 80, 0.01, 'air_temperature'],
  [2, 'humidity', '%', 0, 100, 0.01, 'relative_humidity'],
  [3, 'pressure', 'hPa', 300, 1200, 0.01, 'air_pressure'],
  [4, 'air_quality', '', 0, 500, 0.1],
  [5, 'particulate_matter', 'µg/m³', 0, 1000, 0.1, 'mass_concentration_of_pm2p5_ambient_aerosol_particles_in_air'],
  [6, 'noise_level', 'dB', 0, 150, 0.1, 'sound_pressure_level_in_air'],
  [7, 'illuminance', 'lx', 0, 200_000, 0.1],
  [8, 'wind_speed', 'm/s', 0, 100, 0.01, 'wind_speed'],
  [9, 'rainfall', 'mm', 0, 500, 0.01, 'thickness_of_rainfall_amount'],
  [10, 'wind_direction', '°', 0, 360, 0.1, 'wind_from_direction'],
  [11, 'apparent_wind_speed', 'm/s', 0, 100, 0.01],
  [12, 'apparent_wind_angle', '°', 0, 360, 0.1],
  [13, 'water_temperature', '°C', -5, 45, 0.01, 'sea_water_temperature'],
  [14, 'depth', 'm', 0, 12_000, 0.01],
  [15, 'heading', '°', 0, 360, 0.1, 'platform_orientation'],
  [16, 'heading_magnetic', '°', 0, 360, 0.1],
  [17, 'speed_over_ground', 'm/s', 0, 60, 0.001, 'platform_speed_wrt_ground'],
  [18, 'speed_through_water', 'm/s', 0, 60, 0.001, 'platform_speed_wrt_sea_water'],
  [19, 'course_over_ground', '°', 0, 360, 0.01, 'platform_course'],
  [20, 'wave_height', 'm', 0, 40, 0.01, 'sea_surface_wave_significant_height'],
  [21, 'wave_period', 's', 0, 60, 0.01, 'sea_surface_wave_mean_period'],
  [22, 'co2', 'ppm', 0, 40_000, 1, 'mole_fraction_of_carbon_dioxide_in_air'],
  [23, 'eco2', 'ppm', 0, 60_000, 1],
  [24, 'tvoc', 'ppb', 0, 60_000, 1],
  [25, 'pm1', 'µg/m³', 0, 1000, 0.1, 'mass_concentration_of_pm1_ambient_aerosol_particles_in_air'],
  [26, 'pm10', 'µg/m³', 0, 1000, 0.1, 'mass_concentration_of_pm10_ambient_aerosol_particles_in_air'],
  [27, 'dew_point', '°C', -80, 60, 0.01, 'dew_point_temperature'],
  [28, 'shortwave_radiation', 'W/m²', 0, 1600, 0.1, 'surface_downwelling_shortwave_flux_in_air'],
  [29, 'par', 'µmol/m²/s', 0, 4000, 0.1],
  [32, 'battery_voltage', 'V', 0, 1000, 0.001],
  [33, 'battery_current', 'A', -1000, 1000, 0.001],
  [34, 'battery_level', '%', 0, 100, 0.1],
  [35, 'rssi', 'dBm', -150, 20, 0.1],
  [36, 'cpu_temperature', '°C', -40, 125, 0.1],
  [37, 'system_load', '', 0, 1000, 0.01],
  [38, 'memory_used', '%', 0, 100, 0.1],
  [39, 'disk_free', '%', 0, 100, 0.1],
  [40, 'flash_life', '%', 0, 100, 1],
  [42, 'clock_offset', 's', -1e10, 1e10, 0.001],
  [43, 'uptime', 's', 0, 1e10, 1],
  [44, 'processes', '', 0, 1e6, 1],
  [45, 'gnss_fix', '', 0, 8, 1],
  [46, 'satellites', '', 0, 128, 1],
  [47, 'hdop', '', 0, 100, 0.1],
  [48, 'modem_signal', 'dBm', -150, 0, 1],
];

const OTHER_METRICS: readonly MetricDefinition[] = [
  { number: 30, name: 'door_open', type: 'boolean', unit: '' },
  { number: 31, name: 'presence', type: 'boolean', unit: '' },
  { number: 41, name: 'under_voltage', type: 'boolean', unit: '' },
  { number: 49, name: 'modem_state', type: 'text', unit: '' },
];

/** Every metric that has a number, in order of number. */
export const METRICS: readonly MetricDefinition[] = [
  ...NUMBER_METRICS.map(
    ([number, name, unit, min, max, resolution, cf]): MetricDefinition => ({
      number,
      name,
      type: 'number',
      unit,
      range: [min, max],
      resolution,
      ...(cf === undefined ? {} : { cf }),
    }),
  ),
  ...OTHER_METRICS,
].sort((a, b) => a.number - b.number);

const byName: ReadonlyMap<string, MetricDefinition> = new Map(METRICS.map((metric) => [metric.name, metric]));
const byNumber: ReadonlyMap<number, MetricDefinition> = new Map(METRICS.map((metric) => [metric.number, metric]));

export function metricNamed(name: string): MetricDefinition | undefined {
  return byName.get(name);
}

export function metricNumbered(number: number): MetricDefinition | undefined {
  return byNumber.get(number);
}
