// A mutant: the peer with one thing broken, as edits of its source. Production code has no flags for it: the edits are
// applied as the module is loaded, in the thread that hunts the mutant (load.ts), and nowhere else.

export interface Mutant {
  readonly name: string
  /** What is broken, in words. */
  readonly breaks: string
  /** Name of the checker whose promise that breaks. */
  readonly guard: string
  readonly edits: readonly Edit[]
}

export interface Edit {
  /** Path from the root of the repository. */
  readonly file: string
  /** Must occur exactly once: a test sees to it, so that no mutant dies out unnoticed when code changes. */
  readonly find: string
  readonly replace: string
}

/** @throws Error if `find` does not occur exactly once */
export function applyEdit(source: string, { file, find, replace }: Edit): string {
  const parts = source.split(find)
  if (parts.length !== 2) throw new Error(`${file} has ${parts.length - 1} times: ${find}`)
  return parts.join(replace)
}
