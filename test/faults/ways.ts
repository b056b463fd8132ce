import { systemClock } from '../../runtime/clock.ts';
import { eventually } from '../processes.ts';
import { KEEPS_UP_RECORDS, keepsUp } from './backlog.ts';
import { type Scenario, startAll } from './scenario.ts';
import type { Site } from './site.ts';
import { judge, mustBeClean } from './verdict.ts';

const CALM_MS = 3000;
/** Back-off included. */
const SOON_MS = 60_000;
const DRAIN_MS = 60_000;

async function overTls(site: Site): Promise<void> {
  const shore = await startAll(site);
  await systemClock.sleep(CALM_MS);
  await judge(site, shore);
}

/** The second way is down from the start; what the first one settles stays for it. */
async function twoWays(site: Site): Promise<void> {
  const near = await site.addShore('near');
  const far = await site.addShore('far');
  await near.broker.start();
  await site.startCentre(near);
  await site.startGateway();
  site.witness.start();
  await systemClock.sleep(CALM_MS);
  await eventually('the far side waits for more than the near one', SOON_MS, () => {
    return site.unsettled(far) > 2 * KEEPS_UP_RECORDS && site.unsettled(near) < KEEPS_UP_RECORDS;
  });
  await far.broker.start();
  await site.startCentre(far);
  await keepsUp(site, far);
  await site.drain([near, far], DRAIN_MS);
  await mustBeClean(site, far, { unsettled: 0 });
  await judge(site, near);
  await site.stopCentre(far);
  await mustBeClean(site, far, {});
}

export const WAYS: readonly Scenario[] = [
  {
    name: 'certificates on both sides and the rules of the topics leave everything through',
    site: { tls: true },
    run: overTls,
  },
  { name: 'two ways to two centres are two cursors: one that was down gets everything later', run: twoWays },
];
