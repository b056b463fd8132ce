/** Metrics of a city station: in a store with columns each has one of its own, so that its language can calculate with it. */
export const METRIC_COLUMNS = [
  'temperature',
  'humidity',
  'pressure',
  'air_quality',
  'particulate_matter',
  'noise_level',
  'illuminance',
  'wind_speed',
  'rainfall',
] as const;
