import assert from 'node:assert/strict';
import { systemClock } from '../runtime/clock.ts';
import { Programs } from '../test/processes.ts';
import { cityStation, Deployment } from './deployment.ts';
import type { Benchmark } from './figure.ts';
import { cpuMs, rssMib } from './process-usage.ts';
import { median } from './rounds.ts';

const SETTLE_MS = 8000;
const SAMPLES = 30;
const SAMPLE_EVERY_MS = 1000;

/** What a gateway costs that does what most gateways do all day. */
export const idle: Benchmark = {
  name: 'idle',
  about: [
    `Memory (median VmRSS) and processor time of \`mooring run\` with one city station at 1 Hz, nine metrics, committed and`,
    `acknowledged every second over MQTT, for ${SAMPLES} s after its start.`,
    'Limit: an empty Node process at the same time, with one interval of a second and nothing else.',
  ],
  async run({ folder, say }) {
    const deployment = await Deployment.start(folder);
    const others = new Programs();
    try {
      await deployment.startGateway([cityStation(1, '1s')]);
      const empty = others.start({
        name: 'empty',
        command: process.execPath,
        args: ['--eval', 'setInterval(() => {}, 1000)'],
      });
      say('letting both settle');
      await systemClock.sleep(SETTLE_MS);
      const sides = [deployment.gateway, empty].map(({ pid }) => ({ pid, startMs: cpuMs(pid), rss: [] as number[] }));
      const startMs = systemClock.monotonicMs();
      const ackedBefore = await deployment.acked();
      for (let sample = 0; sample < SAMPLES; sample += 1) {
        await systemClock.sleep(SAMPLE_EVERY_MS);
        for (const { pid, rss } of sides) rss.push(rssMib(pid));
      }
      const seconds = (systemClock.monotonicMs() - startMs) / 1000;
      const [gateway, nothing] = sides.map(({ pid, startMs: cpuBefore, rss }) => ({
        cpu: (cpuMs(pid) - cpuBefore) / seconds,
        rss: median(rss),
      }));
      assert(gateway !== undefined && nothing !== undefined);
      const acked = (await deployment.acked()) - ackedBefore;
      assert(acked >= SAMPLES - 3, `only ${acked} records were acknowledged in ${SAMPLES} s`);
      return [
        { name: 'idle/rss', value: gateway.rss, unit: 'MiB', limit: nothing.rss },
        { name: 'idle/cpu', value: gateway.cpu, unit: 'ms/s', limit: nothing.cpu },
      ];
    } finally {
      await others.end();
      await deployment.close();
    }
  },
};
