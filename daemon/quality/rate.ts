/** How fast something changed, per second, without its sign. No change at all is none, however short the time. */
export function rateOf(change: number, elapsedMs: number): number {
  return change === 0 ? 0 : Math.abs(change / (elapsedMs / 1000));
}
