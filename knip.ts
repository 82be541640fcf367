// Dead code: what nothing reaches from the package's doors, the command line or a test.
import type { KnipConfig } from 'knip'

const config: KnipConfig = {
  entry: [
    // The `exports` and `bin` of package.json, as they are before the build.
    'node/index.ts',
    'crdt/index.ts',
    'transport/index.ts',
    'test/contract/index.ts',
    'node/cli/main.ts',
    'test/tools/*.ts',
    'transport/wire/generate.mjs',
    'knip.ts',
  ],
  project: ['**/*.{ts,mjs}'],
  // Generated whole from messages.proto, whether or not each message is used.
  ignore: ['transport/wire/messages.js'],
  // A type that an exported function takes or returns is exported with it, so that a caller can name it.
  ignoreExportsUsedInFile: { interface: true, type: true },
}

export default config
