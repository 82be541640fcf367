// Dead code: what nothing reaches from the package's doors, the command line or a test.
import type { KnipConfig } from 'knip'

const config: KnipConfig = {
  entry: [
    // The `exports` of package.json, as they are before the build.
    'node/index.ts',
    'crdt/index.ts',
    'transport/index.ts',
    'sim/index.ts',
    'sim/report/page/main.ts', // runs in the browser
    'sim/swarm/worker.ts',
    'sim/mutants/load.ts', // started as a thread, by its address
    'sim/conformance/{preload,child}.ts', // started as a process
    'test/contract/index.ts',
    'test/tools/*.ts',
    'bench/*.ts',
  ],
  project: ['**/*.{ts,js,mjs}'],
  // Of the operating system: util-linux, which every Debian has.
  ignoreBinaries: ['prlimit', 'unshare'],
  // The index of a folder is its face: the types in it are there to be named, used so far or not.
  // The wire code is generated whole, whether or not each message is used.
  ignoreIssues: { 'transport/*/index.ts': ['types'], 'transport/wire/messages.js': ['exports'] },
  // A type that an exported function takes or returns is exported with it, so that a caller can name it.
  ignoreExportsUsedInFile: { interface: true, type: true },
}

export default config
