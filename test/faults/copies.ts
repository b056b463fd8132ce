import { systemClock } from '../../runtime/clock.ts';
import { eventually } from '../processes.ts';
import { KEEPS_UP_RECORDS, keepsUp } from './backlog.ts';
import { between, kafkaFor, type Scenario, startAll } from './scenario.ts';
import { ARCHIVE } from './shore.ts';
import type { Site } from './site.ts';
import { judge } from './verdict.ts';

const COUNT = 2;
const CALM_MS = { min: 1000, max: 3000 } as const;
const DOWN_MS = { min: 0, max: 5000 } as const;
const PAUSE_MS = 30_000;
const SOON_MS = 60_000;

/**
 * Two copies of ingest that divide the batches, and a file sink with its stand-by: of both one is killed, and the next time
 * one is stopped for 30 s, holding its locks. The first two are those that write; after that chance decides.
 */
async function killAndStopCopies(site: Site, kills: number): Promise<void> {
  const whole = { ingest: true, sinks: true };
  const shore = await startAll(site, { kafka: await kafkaFor(site), copies: [whole, whole] });
  for (let count = 1; count <= kills; count += 1) {
    await keepsUp(site, shore);
    await systemClock.sleep(between(site, CALM_MS));
    const copy = count <= COUNT ? count - 1 : Math.floor(site.random.uniform() * COUNT);
    const isKill = count % 2 === 1;
    site.say(`${isKill ? 'kill' : 'stop'} ${count} of ${kills}: copy ${copy + 1}`);
    if (isKill) await site.killCentre(shore, between(site, DOWN_MS), copy);
    else {
      shore.centres[copy]?.pause();
      await systemClock.sleep(PAUSE_MS);
      shore.centres[copy]?.resume();
    }
  }
  await keepsUp(site, shore);
  await judge(site, shore);
}

/** A sink that decides, in a centre of its own: while it is away records are held by the log, and nothing is sent again. */
async function decideBySink(site: Site): Promise<void> {
  const copies = [
    { ingest: true, sinks: false },
    { ingest: false, sinks: true },
  ];
  const shore = await startAll(site, { kafka: await kafkaFor(site), copies, ack: [ARCHIVE] });
  await keepsUp(site, shore);
  await shore.centres[1]?.stop();
  await eventually('what is not in the sink waits', SOON_MS, () => site.unsettled(shore) > 4 * KEEPS_UP_RECORDS);
  site.say(`the sink is away: ${site.unsettled(shore)} records are held`);
  await site.startCopy(shore, 1);
  await keepsUp(site, shore);
  await judge(site, shore, { isOnce: true });
}

const needs = ['kafka'];

export const COPIES: readonly Scenario[] = [
  {
    name: 'two copies of a centre, one of which is killed or stopped for 30 s, lose nothing and write nothing twice',
    needs,
    run: killAndStopCopies,
  },
  {
    name: 'a sink that decides and is away has all held for it, and nothing is produced twice',
    needs,
    run: decideBySink,
  },
];
