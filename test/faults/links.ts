import { systemClock } from '../../runtime/clock.ts';
import { drainTo, endDrain, measureLoad, startDrain } from './backlog.ts';
import { type Scenario, startAll } from './scenario.ts';
import type { Site } from './site.ts';
import { judge } from './verdict.ts';

const PAUSE_MS = 20_000;
const HALF_OPEN_MS = 12_000;
const CALM_MS = 2000;
/** Long enough that the drain takes more than the two seconds that are cut. */
const CUT_MS = 6000;

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
  const first = await startDrain(site, shore, load, CUT_MS);
  await systemClock.sleep(site.random.uniform() * 800);
  site.say(`cut in the first second of a drain of ${first.records}`);
  const drain = await startDrain(site, shore, load, CUT_MS);
  const half = await drainTo(site, shore, load, drain.records / 2);
  // The rate of this very drain says when its last second begins.
  const perSecond = ((drain.records - half) * 1000) / (systemClock.monotonicMs() - drain.begunMs);
  const left = await drainTo(site, shore, load, perSecond * site.random.uniform());
  site.say(`cut in the last second of a drain of ${drain.records}: ${left} left at ${Math.round(perSecond)} a second`);
  shore.uplink.cut();
  await systemClock.sleep(CALM_MS);
  shore.uplink.heal();
  endDrain(shore);
  await systemClock.sleep(CALM_MS);
  await judge(site, shore);
}

/** Silence one way, then both; everything that was held back arrives in the end, however late. */
async function freezeUplink(site: Site): Promise<void> {
  const shore = await startAll(site);
  await systemClock.sleep(CALM_MS);
  for (const direction of ['down', 'both'] as const) {
    shore.uplink.freeze(direction);
    await systemClock.sleep(HALF_OPEN_MS);
    shore.uplink.thaw();
    await systemClock.sleep(CALM_MS);
  }
  await judge(site, shore);
}

async function freezeDownlink(site: Site): Promise<void> {
  const shore = await startAll(site);
  await systemClock.sleep(CALM_MS);
  for (const direction of ['up', 'both'] as const) {
    shore.downlink.freeze(direction);
    await systemClock.sleep(HALF_OPEN_MS);
    shore.downlink.thaw();
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
  { name: 'a half-open link of the gateway costs nothing', run: freezeUplink },
  { name: 'a half-open link of the centre costs nothing', run: freezeDownlink },
  { name: 'a gateway that starts while everything is down keeps all for later', run: startAlone },
];
