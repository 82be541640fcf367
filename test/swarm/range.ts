// The seeds of this commit: others on each. SWARM_SEEDS=1..1000 chooses them.
import { execFileSync } from 'node:child_process'
import { seeds, type Range } from '../../sim/cli/flags.ts'

const COUNT = 300

export function rangeOfCommit(): Range {
  const chosen = process.env['SWARM_SEEDS']
  if (chosen !== undefined) return seeds(chosen)
  const commit = execFileSync('git', ['rev-parse', 'HEAD'], { cwd: import.meta.dirname, encoding: 'utf8' })
  const from = Number.parseInt(commit.slice(0, 8), 16)
  return { from, to: from + COUNT - 1 }
}
