import { systemClock } from '../../runtime/clock.ts';
import { keepsUp } from './backlog.ts';
import { between, kafkaFor, type Scenario, startAll } from './scenario.ts';
import type { Site } from './site.ts';
import { judge } from './verdict.ts';

/** A mobile network on a bad day: 30 % lost each way, one in ten twice, and a later one often before an earlier one. */
const BAD = { loss: 0.3, duplication: 0.1, delayMs: 20, jitterMs: 60 } as const;
const BAD_MS = 20_000;
const CALM_MS = { min: 1000, max: 3000 } as const;
const DOWN_MS = { min: 0, max: 1500 } as const;

async function loseDatagrams(site: Site): Promise<void> {
  const shore = await startAll(site, { way: 'udp', kafka: await kafkaFor(site) });
  const link = shore.udp?.link;
  link?.setQuality(BAD);
  await systemClock.sleep(BAD_MS);
  const { lost, datagrams } = link ?? { lost: { up: 0, down: 0 }, datagrams: { up: 0, down: 0 } };
  site.say(`${lost.up} lost of ${lost.up + datagrams.up} up, ${lost.down} of ${lost.down + datagrams.down} down`);
  await keepsUp(site, shore);
  // The link stays as it is: what is left has to come through it too.
  await judge(site, shore);
}

/** A session ends with the process that has it: the next one asks anew who is there, and nothing of the old one counts. */
async function killWithinSession(site: Site, kills: number): Promise<void> {
  const shore = await startAll(site, { way: 'udp' });
  for (let count = 1; count <= kills; count += 1) {
    await keepsUp(site, shore);
    await systemClock.sleep(between(site, CALM_MS));
    site.say(`kill ${count} of ${kills}`);
    await site.killCentre(shore, between(site, DOWN_MS));
  }
  await keepsUp(site, shore);
  await judge(site, shore);
}

export const DATAGRAMS: readonly Scenario[] = [
  {
    name: 'over UDP, with 30 % lost, one in ten doubled and many out of order, nothing is lost and nothing comes twice',
    needs: ['kafka'],
    run: loseDatagrams,
  },
  { name: 'a centre that is killed within a session over UDP costs nothing', run: killWithinSession },
];
