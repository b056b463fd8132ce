import { systemClock } from '../../runtime/clock.ts';
import type { Link } from '../../sim/link.ts';
import { eventually } from '../processes.ts';
import { endDrain, type Load, leftOf, measureLoad, startDrain } from './backlog.ts';
import { type Scenario, startAll } from './scenario.ts';
import type { Shore } from './shore.ts';
import type { Site } from './site.ts';
import { judge } from './verdict.ts';

const PAUSE_MS = 20_000;
/** Beyond the keep-alive and the deadlines of both programs, and within them. */
const NOTICED_MS = 25_000;
const UNNOTICED_MS = 8000;
const CALM_MS = 2000;
/** Long enough, and with little enough room after it, that the drain takes more than the two seconds that are cut. */
const DRAIN = { cutMs: 6000, factor: 2 } as const;
const DRAIN_MS = 60_000;

/** Accepts and never answers: only a deadline of one's own notices. */
async function pauseBroker(site: Site): Promise<void> {
  const shore = await startAll(site);
  await systemClock.sleep(CALM_MS);
  shore.broker.pause();
  await systemClock.sleep(PAUSE_MS);
  shore.broker.resume();
  await systemClock.sleep(CALM_MS);
  await judge(site, shore);
}

async function cutInDrain(site: Site): Promise<void> {
  const shore = await startAll(site);
  const load = await measureLoad(site, shore);
  const drain = await startDrain(site, shore, load, DRAIN);
  await systemClock.sleep(site.random.uniform() * 900);
  site.say(`cut in the first second of a drain: ${leftOf(site, shore, load)} of ${drain.records} left`);
  site.say(`cut in the last second of a drain: ${await waitForLastSecond(site, shore, load)}`);
  shore.uplink.cut();
  await systemClock.sleep(CALM_MS);
  shore.uplink.heal();
  endDrain(shore);
  await systemClock.sleep(CALM_MS);
  await judge(site, shore);
}

/** Cuts, and resolves within the last second of the drain after that, as far as its own rate tells. */
async function waitForLastSecond(site: Site, shore: Shore, load: Load): Promise<string> {
  for (;;) {
    const { records, begunMs } = await startDrain(site, shore, load, DRAIN);
    const half = await eventually('half of a backlog is drained', DRAIN_MS, () => {
      const left = leftOf(site, shore, load);
      return left <= records / 2 && left;
    });
    const perMs = (records - half) / (systemClock.monotonicMs() - begunMs);
    await systemClock.sleep(half / perMs - site.random.uniform() * 1000);
    const left = leftOf(site, shore, load);
    if (left > 0 && left / perMs <= 1000) return `${left} of ${records} left`;
    site.say(`missed: ${left} of ${records} left`);
  }
}

/**
 * Silence one way until it must have been noticed, then both ways for less than that; what was held back arrives in the
 * end, however late.
 */
async function freeze(site: Site, linkOf: (shore: Shore) => Link, direction: 'up' | 'down'): Promise<void> {
  const shore = await startAll(site);
  const link = linkOf(shore);
  await systemClock.sleep(CALM_MS);
  for (const [silent, durationMs] of [[direction, NOTICED_MS] as const, ['both', UNNOTICED_MS] as const]) {
    site.say(`silence (${silent}) for ${durationMs} ms`);
    link.freeze(silent);
    await systemClock.sleep(durationMs);
    link.thaw();
    await systemClock.sleep(CALM_MS);
  }
  await judge(site, shore);
}

async function startAlone(site: Site): Promise<void> {
  const shore = await site.addShore();
  await site.startGateway();
  site.witness.start();
  await systemClock.sleep(5000);
  await site.startCentre(shore, { connected: false });
  await systemClock.sleep(CALM_MS);
  await shore.broker.start();
  await systemClock.sleep(CALM_MS);
  await judge(site, shore);
}

export const LINKS: readonly Scenario[] = [
  { name: 'a Mosquitto that accepts and does not answer for 20 s costs nothing', run: pauseBroker },
  { name: 'a link cut in the first and in the last second of a drain costs nothing', run: cutInDrain },
  {
    name: 'a half-open link of the gateway costs nothing',
    run: (site) => freeze(site, ({ uplink }) => uplink, 'down'),
  },
  {
    name: 'a half-open link of the centre costs nothing',
    run: (site) => freeze(site, ({ downlink }) => downlink, 'up'),
  },
  { name: 'a gateway that starts while everything is down keeps all for later', run: startAlone },
];
