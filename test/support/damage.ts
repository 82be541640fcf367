// Damage to the files of a data directory, by bytes: one flipped bit, one cut-off or missing file.
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** By path from the directory. */
export interface DamageableFile {
  readonly path: string
  readonly bytes: number
}

export type Damage =
  | { readonly kind: 'flip'; readonly path: string; readonly at: number; readonly bit: number }
  | { readonly kind: 'truncate'; readonly path: string; readonly at: number }
  | { readonly kind: 'remove'; readonly path: string }

export function inflict(directory: string, damage: Damage): void {
  const path = join(directory, damage.path)
  if (damage.kind === 'remove') {
    rmSync(path)
    return
  }
  const bytes = readFileSync(path)
  if (damage.kind === 'truncate') {
    writeFileSync(path, bytes.subarray(0, damage.at))
    return
  }
  bytes[damage.at] = (bytes[damage.at] ?? 0) ^ (1 << damage.bit)
  writeFileSync(path, bytes)
}

/** Chosen places of every file first (its ends and around them), then random ones, larger files more often. */
export function* damages(of: readonly DamageableFile[], seed: number, count: number): Generator<Damage> {
  const random = randomOf(seed)
  const files = of.filter(({ bytes }) => bytes > 0)
  let made = 0
  for (const { path, bytes } of files) {
    yield { kind: 'remove', path }
    made++
    for (const at of [0, 1, 7, bytes - 48, bytes - 8, bytes - 1].filter((at) => at >= 0 && at < bytes)) {
      yield { kind: 'flip', path, at, bit: random(8) }
      yield { kind: 'truncate', path, at }
      made += 2
    }
  }
  const total = files.reduce((sum, { bytes }) => sum + bytes, 0)
  for (; made < count; made++) {
    // Half of them spread over the files alike: the manifest is small and matters most.
    let at = random(total)
    let file = files[random(files.length)]
    if (made % 2 === 0) file = files.find(({ bytes }) => (at -= bytes) < 0)
    if (file === undefined) continue
    at = random(file.bytes)
    if (made % 5 === 0) yield { kind: 'truncate', path: file.path, at }
    else yield { kind: 'flip', path: file.path, at, bit: random(8) }
  }
}

/** Paths that differ in numbers alone are of one kind. */
export function kindOf(path: string): string {
  return path.replace(/\d+/g, '#')
}

/** All files below a directory, by path from there. */
export function filesOf(directory: string, below = ''): DamageableFile[] {
  return readdirSync(join(directory, below), { withFileTypes: true }).flatMap((entry) => {
    const path = join(below, entry.name)
    if (entry.isDirectory()) return filesOf(directory, path)
    return [{ path, bytes: statSync(join(directory, path)).size }]
  })
}

/** A small generator of our own: the same places for the same seed, on every machine. */
export function randomOf(seed: number): (below: number) => number {
  let state = seed >>> 0
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}
