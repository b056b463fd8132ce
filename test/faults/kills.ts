import { systemClock } from '../../runtime/clock.ts';
import { endDrain, type Load, leftOf, measureLoad, startDrain } from './backlog.ts';
import { between, kafkaFor, type Scenario, startAll } from './scenario.ts';
import type { Shore, ShoreOptions } from './shore.ts';
import type { Site } from './site.ts';
import { judge } from './verdict.ts';

/** Between two kills, and before the first. */
const CALM_MS = { min: 500, max: 2500 } as const;
/** How long the link is cut to make a backlog. */
const CUT_MS = { min: 2500, max: 4000 } as const;
const DOWN_MS = { min: 0, max: 1500 } as const;
/** From the begin of a drain to a kill; with so much more room than the load needs, a drain takes some seconds. */
const INTO_DRAIN_MS = { min: 0, max: 2500 } as const;
const DRAIN_FACTOR = 1.3;

/**
 * Kills of one kind at moments drawn from the seed: every other one in the calm, the rest while a backlog drains.
 */
async function runKills(
  site: Site,
  kills: number,
  kill: (shore: Shore, downMs: number) => Promise<void>,
  options: ShoreOptions = {},
): Promise<void> {
  const shore = await startAll(site, options);
  const load = await measureLoad(site, shore);
  for (let count = 1; count <= kills; count += 1) {
    if (count % 2 === 0) {
      site.say(`kill ${count} of ${kills}: ${await waitIntoDrain(site, shore, load)}`);
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

/** Resolves at a moment within a drain; with what is left of it. */
async function waitIntoDrain(site: Site, shore: Shore, load: Load): Promise<string> {
  for (;;) {
    const drain = await startDrain(site, shore, load, { cutMs: between(site, CUT_MS), factor: DRAIN_FACTOR });
    await systemClock.sleep(between(site, INTO_DRAIN_MS));
    const left = leftOf(site, shore, load);
    if (left > 0) return `${left} of a backlog of ${drain.records} left`;
    endDrain(shore);
  }
}

/** Beside nothing that syncs as often as a Kafka does: what a kill may cost is what a commit takes. */
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

export const KILL_WITH_KAFKA: Scenario = {
  name: 'a centre that is killed with Kafka behind it loses nothing and writes nothing twice',
  needs: ['kafka'],
  run: async (site, kills) =>
    await runKills(site, kills, (shore, downMs) => site.killCentre(shore, downMs), { kafka: await kafkaFor(site) }),
};
