import { systemClock } from '../../runtime/clock.ts';
import { eventually } from '../processes.ts';
import type { Shore, Site } from './site.ts';

/** How much more than the load the link carries while a backlog drains. */
const DRAIN_FACTOR = 2.5;
const MEASURE_MS = 3000;
const LOOK_MS = 50;
const BEGIN_MS = 30_000;
const DRAIN_MS = 60_000;

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

/** Cuts the link for `cutMs`, heals it with little bandwidth, and resolves when the backlog has begun to drain. */
export async function startDrain(site: Site, shore: Shore, load: Load, cutMs: number): Promise<Drain> {
  shore.uplink.cut();
  await systemClock.sleep(cutMs);
  shore.uplink.setBandwidth(load.bytesPerSecond * DRAIN_FACTOR);
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

/** Resolves when so many records or fewer, beyond the usual ones, are left of a backlog; with how many. */
export async function drainTo(site: Site, shore: Shore, load: Load, records: number): Promise<number> {
  return await eventually(`a backlog drains to ${Math.round(records)}`, DRAIN_MS, () => {
    const left = site.unsettled(shore) - load.onTheWay;
    return left <= records ? left : undefined;
  });
}

/** The link as it was. */
export function endDrain({ uplink }: Shore): void {
  uplink.setBandwidth(undefined);
}
