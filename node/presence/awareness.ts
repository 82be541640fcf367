// Awareness updates as y-protocols encodes them (count, (id, clock, JSON of the state or null)*), read from untrusted bytes,
// and written.
import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'

/** Entries in one update. */
const ENTRIES_MAX = 1_000
/** Length of one state as JSON; what is longer is left out. */
export const STATE_LENGTH_MAX = 4_096

export interface PresenceEntry {
  /** Drawn by the user's own program, as Yjs draws client ids. */
  readonly id: number
  /** Of two entries with one id that with the higher clock counts. */
  readonly clock: number
  /** JSON of an object; undefined: gone. */
  readonly state: string | undefined
}

/** @throws Error saying what is wrong */
export function readEntries(update: Uint8Array): PresenceEntry[] {
  const decoder = decoding.createDecoder(update)
  const entries: PresenceEntry[] = []
  const count = decoding.readVarUint(decoder)
  if (count > ENTRIES_MAX) throw new Error(`${count} entries, at most ${ENTRIES_MAX}`)
  for (let left = count; left > 0; left--) {
    const id = decoding.readVarUint(decoder)
    const clock = decoding.readVarUint(decoder)
    const state = decoding.readVarString(decoder)
    const value: unknown = JSON.parse(state)
    if (typeof value !== 'object') throw new Error('a state is an object or null')
    if (state.length <= STATE_LENGTH_MAX) entries.push({ id, clock, state: value === null ? undefined : state })
  }
  if (decoding.hasContent(decoder)) throw new Error('bytes follow its end')
  return entries
}

export function writeEntries(entries: readonly PresenceEntry[]): Uint8Array {
  const encoder = encoding.createEncoder()
  encoding.writeVarUint(encoder, entries.length)
  for (const { id, clock, state } of entries) {
    encoding.writeVarUint(encoder, id)
    encoding.writeVarUint(encoder, clock)
    encoding.writeVarString(encoder, state ?? 'null')
  }
  return encoding.toUint8Array(encoder)
}
