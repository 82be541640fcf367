// Sometimes-facts: situations that a good swarm gets into now and then ("a crash during a partition happened"). They
// judge nothing. One that never comes about in a whole swarm means that the swarm does not try what it should.
import type { Scene, Watcher } from '../checkers/checker.ts'

export interface FactKind {
  /** What happened, as a sentence. */
  readonly name: string
  /** Watches one run; `hit` counts the fact once more. */
  watch(scene: Scene, hit: () => void): Watcher
}
