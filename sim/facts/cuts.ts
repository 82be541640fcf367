// Who can't talk to whom now, and since when: what several facts ask.
import type { Micros } from '../world/loop.ts'
import type { World } from '../world/world.ts'

/** Since when nothing passes between the two, both ways; undefined if something does. */
export function cutSince({ network }: World, one: string, other: string): Micros | undefined {
  const [there, back] = [network.link(one, other), network.link(other, one)]
  return there.blocks > 0 && back.blocks > 0 ? Math.max(there.blockedSince, back.blockedSince) : undefined
}

/** Whether the machine can't talk to some other. */
export function isCutOff(world: World, machine: string): boolean {
  return [...world.machines.keys()].some((other) => other !== machine && cutSince(world, machine, other) !== undefined)
}

/** Whether the machine can't talk to any other. */
export function isAlone(world: World, machine: string): boolean {
  return [...world.machines.keys()].every((other) => other === machine || cutSince(world, machine, other) !== undefined)
}
