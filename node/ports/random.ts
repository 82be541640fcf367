// The Random port: where everything that is drawn comes from.

import { randomBytes, randomInt } from 'node:crypto'

/** Chance as the peer sees it; the simulator hands in a seeded one. */
export interface Random {
  bytes(count: number): Uint8Array
  /** Uniform in [0, 1). */
  float(): number
}

export const systemRandom: Random = {
  bytes: (count) => new Uint8Array(randomBytes(count)),
  float: () => randomInt(2 ** 47) / 2 ** 47,
}
