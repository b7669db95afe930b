import { defineConfig } from 'vitest/config';

const outputFile = process.env.CURFEW_TEST_REPORT;

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Each file gets a process of its own: the Functions SDK keeps its registry in module state.
    pool: 'forks',
    isolate: true,
    // Most files wait for processes and clocks most of the time.
    maxWorkers: 2,
    testTimeout: 20_000,
    hookTimeout: 30_000,
    reporters: outputFile ? ['default', ['json', { outputFile }]] : ['default'],
  },
});
