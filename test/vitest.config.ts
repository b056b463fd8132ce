import { defineConfig } from 'vitest/config';

/** Real programs under faults have the processors to themselves: they run when everything else is done. */
const FAULTS = 'test/faults/**/*.test.ts';

/** What a test needs beside npm packages is its tag; who leaves it out by name skips all of its tests, and no other. */
const leftOut = (process.env.MOORING_TEST_WITHOUT ?? '').split(',');
const tags = ['mosquitto', 'openssl', 'gcc', 'kafka', 'influxdb', 'mariadb'].map((name) => ({
  name,
  skip: leftOut.includes(name),
}));

const shared = { testTimeout: 30_000, hookTimeout: 60_000, pool: 'forks' } as const;

export default defineConfig({
  root: new URL('..', import.meta.url).pathname,
  test: {
    tags,
    projects: [
      {
        extends: true,
        test: {
          ...shared,
          name: 'parts',
          globalSetup: ['test/kafka/setup.ts'],
          include: ['**/*.test.ts'],
          exclude: ['node_modules/**', 'dist/**', FAULTS],
          // One more than processors: what has a real broker killed mostly waits.
          maxWorkers: 3,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: { ...shared, name: 'faults', include: [FAULTS], maxWorkers: 1, sequence: { groupOrder: 1 } },
      },
    ],
  },
});
