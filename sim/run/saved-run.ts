// A run that failed, as a file: everything that it takes to see it again, and what was seen.
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { findPackageJSON } from 'node:module'
import { dirname, join } from 'node:path'
import { z } from 'zod'
import { SessionMeshError } from '../../crdt/errors.ts'
import { YamlFile } from '../../node/util/yaml-file.ts'
import { planSchema } from '../plan/schema.ts'

const violation = z.object({
  checker: z.string(),
  at: z.number(),
  message: z.string(),
  machines: z.array(z.string()).readonly(),
})

const savedRun = z.object({
  /** What bug it showed, in a sentence: for runs that are kept. */
  about: z.string().optional(),
  /** Of sessionmesh and of Node.js. The commit is null where there is no checkout. */
  version: z.string(),
  commit: z.string().nullable(),
  node: z.string(),
  /** Name or path of the scenario that it came from, if it brought code of its own. */
  scenario: z.string().nullable(),
  verdict: z.enum(['ok', 'violated', 'vacuous']),
  violations: z.array(violation).readonly(),
  traceHash: z.string(),
  plan: planSchema,
})

export type SavedRun = z.output<typeof savedRun>

/** Writes it, and returns its path. */
export function saveRun(directory: string, name: string, run: Omit<SavedRun, 'version' | 'commit' | 'node'>): string {
  mkdirSync(directory, { recursive: true })
  const path = join(directory, `${name}.json`)
  const { plan, ...rest } = run
  const whole: SavedRun = { ...provenance(), ...rest, plan }
  writeFileSync(path, `${JSON.stringify(whole, null, 1)}\n`)
  return path
}

/** @throws SessionMeshError INVALID_SCENARIO that names the file, the line and what was expected */
export function readRun(file: string): SavedRun {
  const yaml = new YamlFile(file, 'INVALID_SCENARIO')
  const parsed = savedRun.safeParse(yaml.value)
  if (!parsed.success) throw new SessionMeshError('INVALID_SCENARIO', yaml.problems(parsed.error).join('\n'))
  return parsed.data
}

/** Which code ran it. */
function provenance(): Pick<SavedRun, 'version' | 'commit' | 'node'> {
  const manifest = findPackageJSON('.', import.meta.url)
  if (manifest === undefined) return { version: 'unknown', commit: null, node: process.version }
  const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }
  return { version, commit: commitOf(dirname(manifest)), node: process.version }
}

/** The commit that is checked out; `-dirty` at its end means with changes. */
function commitOf(root: string): string | null {
  if (!existsSync(join(root, '.git'))) return null
  try {
    const args = ['describe', '--always', '--dirty', '--abbrev=40', '--exclude=*']
    return execFileSync('git', args, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim()
  } catch {
    return null
  }
}
