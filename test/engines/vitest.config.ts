import { defineConfig } from 'vitest/config';

/** The heavy engines: each file starts its own, one file at a time. `npm run test:engines` runs them. */
export default defineConfig({
  root: new URL('../..', import.meta.url).pathname,
  test: {
    globalSetup: ['test/kafka/setup.ts'],
    include: ['test/engines/*.engine.ts'],
    pool: 'forks',
    maxWorkers: 1,
    fileParallelism: false,
    testTimeout: 60_000,
    hookTimeout: 600_000,
  },
});
