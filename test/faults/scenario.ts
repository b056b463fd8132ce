import { type Shore, Site, type SiteOptions } from './site.ts';

/** A fault, and what must hold after it. */
export interface Scenario {
  /** A sentence. */
  readonly name: string;
  readonly site?: Pick<SiteOptions, 'persistence' | 'tls'>;
  /** Ends well when everything holds. `kills`: how many of a kind, where it kills. */
  run(site: Site, kills: number): Promise<void>;
}

export interface ScenarioOptions {
  readonly kills: number;
  readonly seed: number;
  readonly say: (text: string) => void;
}

/**
 * Runs a scenario at a site of its own. What it throws names the seed, the folder that it leaves for a look, and what
 * each program said last.
 */
export async function runScenario(scenario: Scenario, { kills, seed, say }: ScenarioOptions): Promise<void> {
  const site = new Site({ seed, say, ...scenario.site });
  let hasFailed = false;
  try {
    await scenario.run(site, kills);
  } catch (cause) {
    hasFailed = true;
    const place = `seed ${seed}, ${site.folder}`;
    throw new Error(`${scenario.name} (${place}): ${(cause as Error).message}\n${site.tails()}`, { cause });
  } finally {
    await site.close({ keep: hasFailed });
  }
}

/** Everything up, the load running, the witness counting. */
export async function startAll(site: Site): Promise<Shore> {
  const shore = await site.addShore();
  await shore.broker.start();
  await site.startCentre(shore);
  await site.startGateway();
  site.witness.start();
  return shore;
}
