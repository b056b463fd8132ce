import { systemClock } from '../../runtime/clock.ts';
import { eventually } from '../processes.ts';
import type { Shore } from './shore.ts';
import type { Site } from './site.ts';

const MEASURE_MS = 3000;
const LOOK_MS = 50;
/** Back-off included. */
const BEGIN_MS = 60_000;

/** Of a forwarder that keeps up: what a second or two of load makes. */
export const KEEPS_UP_RECORDS = 1000;

/** What a site does while nothing is wrong. */
export interface Load {
  readonly bytesPerSecond: number;
  /** The most records that were on their way at once: with fewer than that there is no backlog. */
  readonly onTheWay: number;
}

/** A backlog that drains over a link with little room for it. */
export interface Drain {
  /** Records beyond the usual ones when it began. */
  readonly records: number;
  /** When it began, on the monotonic clock. */
  readonly begunMs: number;
}

export async function measureLoad(site: Site, shore: Shore): Promise<Load> {
  const before = shore.uplink.bytes.up;
  const startMs = systemClock.monotonicMs();
  let onTheWay = 0;
  while (systemClock.monotonicMs() < startMs + MEASURE_MS) {
    await systemClock.sleep(LOOK_MS);
    onTheWay = Math.max(onTheWay, site.unsettled(shore));
  }
  const seconds = (systemClock.monotonicMs() - startMs) / 1000;
  return { bytesPerSecond: (shore.uplink.bytes.up - before) / seconds, onTheWay };
}

/**
 * Cuts the link for `cutMs`, heals it with room for `factor` times the load, and resolves when the backlog has begun to
 * drain. Big batches are smaller by record than those of the load: it drains with a factor of 1 too.
 */
export async function startDrain(
  site: Site,
  shore: Shore,
  load: Load,
  { cutMs, factor }: { readonly cutMs: number; readonly factor: number },
): Promise<Drain> {
  shore.uplink.cut();
  await systemClock.sleep(cutMs);
  shore.uplink.setBandwidth(load.bytesPerSecond * factor);
  shore.uplink.heal();
  let most = 0;
  await eventually('the backlog begins to drain', BEGIN_MS, () => {
    const now = site.unsettled(shore);
    if (now < most) return true;
    most = now;
    return false;
  });
  return { records: most - load.onTheWay, begunMs: systemClock.monotonicMs() };
}

/** Resolves when what waits is no more than usual. */
export async function keepsUp(site: Site, shore: Shore): Promise<void> {
  await eventually(`${shore.name} keeps up`, BEGIN_MS, () => site.unsettled(shore) < KEEPS_UP_RECORDS);
}

/** Records beyond the usual ones that are left of a backlog. */
export function leftOf(site: Site, shore: Shore, load: Load): number {
  return site.unsettled(shore) - load.onTheWay;
}

/** The link as it was. */
export function endDrain({ uplink }: Shore): void {
  uplink.setBandwidth(undefined);
}
