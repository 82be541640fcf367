// Tier A: the model of the network, and raw globals out of reach.
import { SimTransport } from '../world/transport.ts'
import type { Tier } from '../world/tier.ts'
import { withTripwire } from './tripwire.ts'

export const modelTier: Tier = {
  async attach(seed, wiring) {
    const transport = new SimTransport(seed, wiring)
    return { transport, endpoint: transport }
  },
  inside: (_process, code) => code(),
  around: withTripwire,
}
