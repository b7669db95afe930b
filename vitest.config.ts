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
    // What the service logs is of interest where a test fails.
    silent: 'passed-only',
    reporters: outputFile ? ['default', ['json', { outputFile }]] : ['default'],
  },
});
