// Builds what is published: JavaScript, declarations and source maps in dist/, in the same folders as the source. The
// generated wire code is JavaScript already and scenarios are YAML, so both are copied; TypeScript would not emit them.
// The page of the simulator's report is compiled for browsers.
import { execFileSync } from 'node:child_process'
import { chmodSync, copyFileSync, cpSync, mkdirSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

const root = join(import.meta.dirname, '../..')
const dist = join(root, 'dist')
const EXECUTABLE = 0o755

rmSync(dist, { recursive: true, force: true })
const typescript = dirname(createRequire(import.meta.url).resolve('typescript/package.json'))
const compile = (...options: string[]) =>
  execFileSync(process.execPath, [join(typescript, 'bin/tsc'), ...options], { cwd: root, stdio: 'inherit' })
compile('-p', 'tsconfig.build.json')
compile('-p', 'sim/report/page', '--noEmit', 'false', '--outDir', 'dist')
copyFileSync(join(root, 'sim/report/page/page.css'), join(dist, 'sim/report/page/page.css'))
mkdirSync(join(dist, 'transport/wire'))
for (const name of ['messages.js', 'messages.d.ts']) {
  copyFileSync(join(root, 'transport/wire', name), join(dist, 'transport/wire', name))
}
cpSync(join(root, 'sim/scenarios/files'), join(dist, 'sim/scenarios/files'), { recursive: true })
chmodSync(join(dist, 'node/cli/main.js'), EXECUTABLE)
