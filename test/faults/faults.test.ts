/**
 * Faults with real processes: gateway, Mosquitto and centre, real serial lines, real kills. `npm run test:chaos` runs the
 * same scenarios with more kills and another seed.
 */
import { afterAll, describe, test } from 'vitest';
import { systemRandom } from '../../runtime/random.ts';
import { Lanes } from './lanes.ts';
import { runScenario } from './scenario.ts';
import { SCENARIOS } from './scenarios.ts';
import { SharedKafka } from './shared-kafka.ts';

/** One in the calm, one while a backlog drains. */
const KILLS = 2;
/** Scenarios mostly wait: so many at a time leave two processors some rest. */
const LANES = 3;
const TIMEOUT_MS = 420_000;

const seed = Math.floor(systemRandom.uniform() * 2 ** 31);
const lanes = new Lanes(LANES);
const sharedKafka = new SharedKafka();
const said: string[] = [];

describe('with real processes', { tags: ['mosquitto'] }, () => {
  afterAll(async () => {
    await sharedKafka.close();
    process.stdout.write(`fault tests, seed ${seed}\n${said.map((line) => `  ${line}\n`).join('')}`);
  });

  for (const [index, scenario] of SCENARIOS.entries()) {
    const tags = [...(scenario.site?.tls === true ? ['openssl'] : []), ...(scenario.needs ?? [])];
    test(scenario.name, { tags, concurrent: true, timeout: TIMEOUT_MS }, async () => {
      const say = (text: string): void => void said.push(`${index + 1} ${text}`);
      const run = async (): Promise<void> =>
        await runScenario(scenario, { kills: KILLS, seed: seed + index, say, sharedKafka });
      await (scenario.isQuiet === true ? run() : lanes.run(run));
    });
  }
});
