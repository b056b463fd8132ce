import { systemClock } from '../../runtime/clock.ts';
import { drainTo, endDrain, measureLoad, startDrain } from './backlog.ts';
import { type Scenario, startAll } from './scenario.ts';
import type { Shore, Site } from './site.ts';
import { judge } from './verdict.ts';

/** Between two kills, and before the first. */
const CALM_MS = { min: 500, max: 2500 } as const;
/** How long the link is cut to make a backlog. */
const CUT_MS = { min: 2500, max: 4000 } as const;
const DOWN_MS = { min: 0, max: 1500 } as const;
/** What is left of a backlog when a kill comes into its drain. */
const SHARE = { min: 0.2, max: 0.9 } as const;

/**
 * Kills of one kind at moments drawn from the seed: every other one in the calm, the rest while a backlog drains.
 */
async function runKills(
  site: Site,
  kills: number,
  kill: (shore: Shore, downMs: number) => Promise<void>,
): Promise<void> {
  const shore = await startAll(site);
  const load = await measureLoad(site, shore);
  for (let count = 1; count <= kills; count += 1) {
    if (count % 2 === 0) {
      const drain = await startDrain(site, shore, load, between(site, CUT_MS));
      const left = await drainTo(site, shore, load, drain.records * between(site, SHARE));
      site.say(`kill ${count} of ${kills}: ${left} of a backlog of ${drain.records} still to drain`);
    } else {
      await systemClock.sleep(between(site, CALM_MS));
      site.say(`kill ${count} of ${kills}`);
    }
    await kill(shore, between(site, DOWN_MS));
    endDrain(shore);
  }
  await systemClock.sleep(between(site, CALM_MS));
  await judge(site, shore);
}

function between({ random }: Site, { min, max }: { readonly min: number; readonly max: number }): number {
  return min + random.uniform() * (max - min);
}

export const KILLS: readonly Scenario[] = [
  {
    name: 'a gateway that is killed loses nothing that it had committed',
    run: (site, kills) => runKills(site, kills, (_, downMs) => site.killGateway(downMs)),
  },
  {
    name: 'a centre that is killed loses nothing and writes nothing twice',
    run: (site, kills) => runKills(site, kills, (shore, downMs) => site.killCentre(shore, downMs)),
  },
  {
    name: 'a Mosquitto that is killed, with all that was in it, costs nothing',
    site: { persistence: true },
    run: (site, kills) =>
      runKills(site, kills, async (shore, downMs) => {
        await shore.broker.kill();
        await systemClock.sleep(downMs);
        await shore.broker.start();
      }),
  },
];
