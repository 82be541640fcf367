// Whether an update brings anything to a holder of another one: what an exchange need not send.
import * as Y from 'yjs'

/**
 * Whether `update` holds nothing but deletions that are among those of `theirs`. Both are of `encodeIntegrated`, against
 * each other's state vector: what there is of deletions always comes along, because state vectors say nothing of them.
 * @param theirs may be any bytes
 */
export function isKnownWith(update: Uint8Array, theirs: Uint8Array): boolean {
  const [structs, deletes] = update
  if (structs !== 0) return false
  if (deletes === 0) return true
  const known = deletesOf(theirs)
  for (const [client, ranges] of deletesOf(update) ?? []) {
    for (const { clock, len } of ranges) {
      const isKnown = known
        ?.get(client)
        ?.some((range) => range.clock <= clock && clock + len <= range.clock + range.len)
      if (isKnown !== true) return false
    }
  }
  return true
}

type Ranges = readonly { readonly clock: number; readonly len: number }[]

/** By client, merged; undefined if the bytes are no update. */
function deletesOf(update: Uint8Array): ReadonlyMap<number, Ranges> | undefined {
  try {
    return Y.decodeUpdate(update).ds.clients
  } catch {
    return undefined
  }
}
