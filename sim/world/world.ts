/** The true value of one quantity at a moment (UTC, milliseconds): a smooth function, and the same for the same seed. */
export type Quantity = (timeMs: number) => number;

/**
 * What is true in one place, by the names of metrics and in the registry's units. Beside them `lat` and `lon` in degrees, and
 * `rain_rate` in mm/h. Values change slowly beside what sensors take to notice.
 */
export type World = Readonly<Record<string, Quantity>>;
