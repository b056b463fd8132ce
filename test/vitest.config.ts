import { defineConfig } from 'vitest/config';
import { LongestFirst } from './sequencer.ts';

/** Real programs under faults have the processors to themselves: they run when everything else is done. */
const FAULTS = 'test/faults/**/*.test.ts';

/** They start nothing that outlives them and change nothing of their process: they share one, which halves what they cost. */
const UNITS = ['central', 'daemon', 'drivers', 'protocol', 'runtime', 'sim'].map((folder) => `${folder}/**/*.test.ts`);
/** These look at their process or change it. */
const ALONE = [
  'central/enroll/enrolment.test.ts',
  'daemon/store/kill.test.ts',
  'protocol/fuzz.test.ts',
  'protocol/udp/busy-process.test.ts',
];

/** What a test needs beside npm packages is its tag; who leaves it out by name skips all of its tests, and no other. */
const leftOut = (process.env.MOORING_TEST_WITHOUT ?? '').split(',');
const tags = ['mosquitto', 'openssl', 'gcc', 'kafka', 'influxdb', 'mariadb'].map((name) => ({
  name,
  skip: leftOut.includes(name),
}));

const shared = { testTimeout: 30_000, hookTimeout: 60_000, pool: 'forks' } as const;
const parts = {
  ...shared,
  // One more than processors: what has a real broker killed mostly waits.
  maxWorkers: 3,
  sequence: { groupOrder: 0 },
} as const;

export default defineConfig({
  root: new URL('..', import.meta.url).pathname,
  test: {
    tags,
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        extends: true,
        test: {
          ...parts,
          name: 'parts',
          globalSetup: ['test/kafka/setup.ts'],
          include: ['**/*.test.ts'],
          exclude: ['node_modules/**', 'dist/**', FAULTS, ...UNITS],
        },
      },
      { extends: true, test: { ...parts, name: 'alone', include: ALONE } },
      { extends: true, test: { ...parts, name: 'units', include: UNITS, exclude: ALONE, isolate: false } },
      {
        extends: true,
        test: { ...shared, name: 'faults', include: [FAULTS], maxWorkers: 1, sequence: { groupOrder: 1 } },
      },
    ],
  },
});
