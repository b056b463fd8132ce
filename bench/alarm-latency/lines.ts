/** Line `n` is the buzzer of the station on bus `n`, line `n + LAMPS` its lamp. */
export const LAMPS = 20;
