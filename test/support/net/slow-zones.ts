// Makes every way between machines of different zones slow and narrow, and counts what goes over it.
import type { PlannedMachine } from '../../../sim/plan/plan.ts'
import type { Network } from './network.ts'
import { Lane, relayTo, type LinkShape, type Relay } from './slow-link.ts'

export class SlowZones {
  /** By direction: `a > c`. */
  readonly #lanes = new Map<string, Lane>()
  readonly #relays: Relay[] = []

  /** @param port that peers listen on */
  static async lay(
    network: Network,
    machines: readonly PlannedMachine[],
    port: number,
    shape: LinkShape,
  ): Promise<SlowZones> {
    const zones = new SlowZones()
    for (const from of machines) {
      for (const to of machines) {
        if (from.zone === to.zone) continue
        const target = { host: network.address(to.name), port }
        const relay = await relayTo(target, zones.#lane(from, to, shape), zones.#lane(to, from, shape))
        zones.#relays.push(relay)
        await network.redirect(from.name, to.name, port, relay.port)
      }
    }
    return zones
  }

  /** What each direction of each link has taken in so far: without TCP's own headers. */
  bytes(): ReadonlyMap<string, number> {
    return new Map([...this.#lanes].map(([name, lane]) => [name, lane.bytes]))
  }

  close(): void {
    for (const relay of this.#relays) relay.close()
  }

  #lane(from: PlannedMachine, to: PlannedMachine, shape: LinkShape): Lane {
    const name = `${from.name} > ${to.name}`
    const lane = this.#lanes.get(name) ?? new Lane(shape)
    this.#lanes.set(name, lane)
    return lane
  }
}
