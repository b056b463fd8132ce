/** Before the first release of LoRaWAN (January 2015) no gateway can have heard an uplink. */
const CREDIBLE_FROM_MS = Date.UTC(2015, 0, 1);

/** Gateways that hear one and the same uplink pass it on within this time, where their clocks are right. */
const TOGETHER_MS = 10_000;

/**
 * When an uplink was sent, by the clocks of the gateways that heard it, UTC in milliseconds: the earliest time of the most
 * gateways that agree to ten seconds. Of as many on either side the later ones are believed, as a clock that was never set
 * is slow. The same for every order of the same times; undefined where none can be right.
 */
export function uplinkTimeOf(timesMs: readonly number[]): number | undefined {
  const sorted = timesMs.filter((timeMs) => timeMs >= CREDIBLE_FROM_MS).sort((a, b) => a - b);
  let best: number | undefined;
  let bestCount = 0;
  for (const [index, firstMs] of sorted.entries()) {
    const after = sorted.findIndex((timeMs) => timeMs > firstMs + TOGETHER_MS);
    const count = (after < 0 ? sorted.length : after) - index;
    if (count < bestCount) continue;
    // Of a run of equal counts that overlap, the first is the earliest of them.
    if (count === bestCount && best !== undefined && firstMs <= best + TOGETHER_MS) continue;
    best = firstMs;
    bestCount = count;
  }
  return best;
}

/** Whether a gateway's clock disagrees with when the uplink was sent. */
export function isClockOff(timeMs: number, uplinkMs: number | undefined): boolean {
  return uplinkMs === undefined || timeMs < uplinkMs || timeMs > uplinkMs + TOGETHER_MS;
}
