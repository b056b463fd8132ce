import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '../runtime/clock.ts';
import { Programs } from '../test/processes.ts';
import { compileInto } from './compiled.ts';
import { cityStation, Deployment } from './deployment.ts';
import type { Benchmark } from './figure.ts';
import { cpuMs, rssMib } from './process-usage.ts';
import { median } from './rounds.ts';

const SETTLE_MS = 8000;
const SAMPLES = 30;
const SAMPLE_EVERY_MS = 1000;
const EMPTY = 'setInterval(() => {}, 1000)';

/** What a gateway costs that does what most gateways do all day. */
export const idle: Benchmark = {
  name: 'idle',
  about: [
    'Memory (median VmRSS) and processor time (user and system) of `mooring run` with one city station at 1 Hz, nine metrics,',
    `committed and acknowledged every second over MQTT, for ${SAMPLES} s; compiled, as the package has it, and from its sources.`,
    'Limit: an empty Node process at the same time, with one interval of a second and nothing else.',
  ],
  async run({ folder, say }) {
    const main = await compileInto(join(folder, 'package'));
    const programs = new Programs();
    const deployments: Deployment[] = [];
    try {
      for (const [name, of] of Object.entries({ compiled: { main }, sources: {} })) {
        const own = join(folder, name);
        mkdirSync(own);
        const deployment = await Deployment.start({ folder: own, ...of });
        deployments.push(deployment);
        await deployment.startGateway([cityStation(1, '1s')]);
      }
      const empty = programs.start({ name: 'empty', command: process.execPath, args: ['--eval', EMPTY] });
      say('letting all settle');
      await systemClock.sleep(SETTLE_MS);
      const before = await Promise.all(deployments.map((deployment) => deployment.acked()));
      const costs = await costsOf([...deployments.map(({ gateway }) => gateway), empty].map(({ pid }) => pid));
      const after = await Promise.all(deployments.map((deployment) => deployment.acked()));
      for (const [index, acked] of after.entries()) {
        const records = acked - (before[index] as number);
        assert(records >= SAMPLES - 3, `only ${records} records were acknowledged in ${SAMPLES} s`);
      }
      const [compiled, sources, nothing] = costs as [Cost, Cost, Cost];
      return [
        { name: 'idle/rss', value: compiled.rssMib, unit: 'MiB', limit: nothing.rssMib },
        { name: 'idle/rss-from-sources', value: sources.rssMib, unit: 'MiB', limit: nothing.rssMib },
        { name: 'idle/cpu', value: compiled.cpuMsPerS, unit: 'ms/s', limit: nothing.cpuMsPerS },
      ];
    } finally {
      await programs.end();
      await Promise.all(deployments.map((deployment) => deployment.close()));
    }
  },
};

interface Cost {
  readonly rssMib: number;
  readonly cpuMsPerS: number;
}

/** What each of some processes costs over the same time. */
async function costsOf(pids: readonly number[]): Promise<Cost[]> {
  const startMs = systemClock.monotonicMs();
  const cpuBefore = pids.map(cpuMs);
  const samples: number[][] = pids.map(() => []);
  for (let sample = 0; sample < SAMPLES; sample += 1) {
    await systemClock.sleep(SAMPLE_EVERY_MS);
    for (const [index, pid] of pids.entries()) samples[index]?.push(rssMib(pid));
  }
  const seconds = (systemClock.monotonicMs() - startMs) / 1000;
  return pids.map((pid, index) => ({
    rssMib: median(samples[index] as number[]),
    cpuMsPerS: (cpuMs(pid) - (cpuBefore[index] as number)) / seconds,
  }));
}
