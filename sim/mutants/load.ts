// The thread that hunts one mutant: loads the peer with the mutant's edits, then runs seed after seed until the checker
// that guards what is broken fires.
import { registerHooks } from 'node:module'
import { parentPort, workerData } from 'node:worker_threads'
import type { Prey, Catch } from './hunt.ts'
import { applyEdit } from './mutant.ts'

const { mutant, from, to } = workerData as Prey
const root = new URL('../../', import.meta.url).href

registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context)
    const edits = mutant.edits.filter(({ file }) => url === root + file)
    if (edits.length === 0 || loaded.source === null || loaded.source === undefined) return loaded
    const source = typeof loaded.source === 'string' ? loaded.source : new TextDecoder().decode(loaded.source)
    return { ...loaded, source: edits.reduce(applyEdit, source) }
  },
})

// Only now: what was imported before the hooks were there would be whole.
const { simulate } = await import('../run/simulate.ts')
const { drawPlan } = await import('../swarm/draw.ts')
const { HUNTING_GROUND } = await import('./hunt.ts')

let caught: Catch = { seeds: to, violation: undefined }
for (let seed = from; seed <= to; seed++) {
  const { violations } = await simulate(drawPlan(seed, HUNTING_GROUND), { checkers: [mutant.guard] })
  const [violation] = violations
  if (violation === undefined) continue
  caught = { seeds: seed, violation: violation.message }
  break
}
parentPort?.postMessage(caught)
