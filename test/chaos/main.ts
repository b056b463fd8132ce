/**
 * `npm run test:chaos -- --kills 30 --seed N [--only TEXT]`: the fault tests with more kills, at other moments. Prints what
 * happens and a verdict; exits with 1 where anything did not hold.
 */
import { parseArgs } from 'node:util';
import { systemClock } from '../../runtime/clock.ts';
import { systemRandom } from '../../runtime/random.ts';
import { Lanes } from '../faults/lanes.ts';
import { runScenario } from '../faults/scenario.ts';
import { SCENARIOS } from '../faults/scenarios.ts';
import { SharedKafka } from '../faults/shared-kafka.ts';

const LANES = 3;

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '30' },
    seed: { type: 'string', default: String(Math.floor(systemRandom.uniform() * 2 ** 31)) },
    only: { type: 'string', default: '' },
  },
});
const kills = wholeNumber('kills', values.kills);
const seed = wholeNumber('seed', values.seed);
const chosen = [...SCENARIOS.entries()].filter(([, { name }]) => name.includes(values.only));
const startMs = systemClock.monotonicMs();
const print = (text: string): void => {
  const seconds = ((systemClock.monotonicMs() - startMs) / 1000).toFixed(1).padStart(7);
  process.stdout.write(`${seconds} s  ${text}\n`);
};

print(`seed ${seed}, ${kills} kills of each kind, ${chosen.length} scenarios, ${LANES} at a time`);
const lanes = new Lanes(LANES);
const sharedKafka = new SharedKafka();
const verdicts = await Promise.all(
  chosen.map(async ([index, scenario]) => {
    const say = (text: string): void => print(`[${index + 1}] ${text}`);
    const run = async (): Promise<boolean> => {
      say(scenario.name);
      try {
        await runScenario(scenario, { kills, seed: seed + index, say, sharedKafka });
        return true;
      } catch (error) {
        say(`FAILED: ${(error as Error).message}`);
        return false;
      }
    };
    return await (scenario.isQuiet === true ? run() : lanes.run(run));
  }),
);
await sharedKafka.close();
const failed = verdicts.filter((holds) => !holds).length;
print(
  failed === 0 ? `all ${verdicts.length} hold (seed ${seed})` : `${failed} of ${verdicts.length} FAILED (seed ${seed})`,
);
process.exitCode = failed === 0 && verdicts.length > 0 ? 0 : 1;

function wholeNumber(name: string, text: string): number {
  if (!/^\d{1,10}$/.test(text)) throw new Error(`--${name} is a whole number`);
  return Number(text);
}
