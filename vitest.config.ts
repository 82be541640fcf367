// Layers of tests. `unit` is milliseconds and runs side by side; `integration` uses real libp2p and disks inside
// one process; `faults` damages what is on disk a thousand times; `process` starts real peers and kills them, one file
// at a time: two cores are not many. `net` cuts real networks.
import { defineConfig } from 'vitest/config'

const root = import.meta.dirname

export default defineConfig({
  test: {
    projects: [
      { test: { name: 'unit', include: ['test/unit/**/*.test.ts', 'test/tidy/**/*.test.ts'], testTimeout: 30_000 } },
      {
        test: {
          name: 'integration',
          include: ['test/integration/**/*.test.ts'],
          fileParallelism: false,
          testTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'faults',
          include: ['test/faults/**/*.test.ts'],
          fileParallelism: false,
          testTimeout: 300_000,
          hookTimeout: 60_000,
        },
      },
      {
        // As a stranger imports it, from here.
        resolve: { alias: { 'sessionmesh/sim': `${root}/sim/index.ts` } },
        test: { name: 'examples', include: ['examples/**/*.test.ts'], testTimeout: 120_000 },
      },
      { test: { name: 'swarm', include: ['test/swarm/**/*.test.ts'] } },
      {
        // In a network of its own: `npm run test:net`.
        test: {
          name: 'net',
          include: ['test/net/**/*.test.ts'],
          fileParallelism: false,
          testTimeout: 240_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'process',
          include: ['test/process/**/*.test.ts', 'test/package/**/*.test.ts', 'test/browser/**/*.test.ts'],
          fileParallelism: false,
          testTimeout: 300_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
})
