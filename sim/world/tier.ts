// What a tier decides: how the processes of a world get onto its network, and what is kept away from them. Tier A
// (sim/run/model-tier.ts) gives them a model of libp2p and gossipsub, tier B (sim/conformance/) the real ones.
import type { Transport } from '../../transport/port.ts'
import type { Dice } from './dice.ts'
import type { Endpoint, Network } from './network.ts'
import type { Inside, SimProcess } from './process.ts'
import type { Trace } from './trace.ts'
import type { Traffic } from './traffic.ts'

/** What a process is given to reach the network with. */
export interface Wiring {
  readonly machine: string
  readonly process: SimProcess
  readonly network: Network
  readonly trace: Trace
  readonly traffic: Traffic
  readonly dice: Dice
  /** Whether what is published to the topics of shards goes anywhere. */
  readonly gossipsChanges: boolean
  /** Machines known from the configuration. */
  readonly bootstrap: readonly string[]
}

/** Whether what is published to the topic goes nowhere: without gossip of changes, heartbeats are still gossiped. */
export function isMuted(topic: string, gossipsChanges: boolean): boolean {
  return !gossipsChanges && topic !== 'members'
}

/** The two faces of a process on the network: what its peer calls, and what the network calls. */
export interface Attachment {
  readonly transport: Transport
  readonly endpoint: Endpoint
}

export interface Tier {
  /** @param seed of the peer's key */
  attach(seed: Uint8Array, wiring: Wiring): Promise<Attachment>
  readonly inside: Inside
  /** Runs a whole run. */
  around<T>(run: () => T): T
}
