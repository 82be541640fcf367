// `npm run bench:overwrite`: one field of one session set a million times; how much memory and disk that leaves in use.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Command } from 'commander'
import { print } from '../node/cli/print.ts'
import { createShow } from '../node/demo/show.ts'
import { overwrite } from './overwrites.ts'

const program = new Command('bench:overwrite')
  .description('sets one field of one session again and again and measures what it leaves in memory and on disk')
  .option('--writes <n>', 'how often', '1000000')
  .option('--json', 'one line of JSON')
  .parse()
const { writes: text, json = false } = program.opts<{ writes: string; json?: boolean }>()
const writes = Number(text)
if (!Number.isInteger(writes) || writes < 1) program.error('--writes: expected a whole number from 1 on')

const directory = mkdtempSync(join(tmpdir(), 'sessionmesh-overwrite-'))
try {
  const bar = createShow(json).bar('writes', writes)
  let shown = 0
  const report = await overwrite(directory, writes, (done) => {
    bar.tick(done - shown)
    shown = done
  })
  bar.done()
  print(report, json)
} finally {
  rmSync(directory, { recursive: true, force: true })
}
