import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['src/**/*.test.ts'],
    benchmark: { include: ['src/**/*.bench.ts'] },
    environment: 'happy-dom',
    restoreMocks: true,
    // A machine that does other things as well is no failure.
    testTimeout: 30_000,
  },
});
