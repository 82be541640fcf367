// The files of the repository as the tidy tests see them: what git tracks, and what it would.
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

export const root = join(import.meta.dirname, '../..')

const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], { cwd: root })
  .toString()
  .split('\n')
  .filter((file) => file !== '' && existsSync(join(root, file)))

const GENERATED = /^transport\/wire\/messages\.(js|d\.ts)$/

export const sourceFiles = files.filter((file) => /\.(ts|mts|js|mjs)$/.test(file) && !GENERATED.test(file))
export const markdownFiles = files.filter((file) => file.endsWith('.md'))

/** The text of a file, by its path from the top of the repository. */
export const read = (file: string): string => readFileSync(join(root, file), 'utf8')
