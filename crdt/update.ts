// What an update needs and brings, read from its bytes alone (Yjs update encoding, version 1).
//
// Peers take in updates for sessions that they hold as bytes, and must know before they acknowledge one that it can
// be integrated (DESIGN.md guarantee 1). Building a document for that would cost a hundred times more, and hostile
// bytes would get to build things. So this reads the format itself, and refuses what Yjs would accept only to lose
// or break something: clients out of order, empty structs, a struct that rests on a later one of its own client.
import * as decoding from 'lib0/decoding'
import { SessionMeshError } from './errors.ts'
import { readByte, readCount, scanContent } from './scan.ts'
import { CLOCK_MAX } from './state-vector.ts'

/** An item of another client that must be known first. */
export interface Need {
  readonly client: number
  readonly clock: number
}

/** Structs of one client, one after the other, which become integrable together. */
export interface Run {
  readonly clock: number
  /** The clock after the last of them. */
  readonly end: number
  /** A gap that mergeUpdates left: brings nothing. */
  readonly skip: boolean
  readonly needs: readonly Need[]
}

export interface ClientRuns {
  readonly client: number
  /** Without gaps: each starts where the one before ends. */
  readonly runs: readonly Run[]
}

export interface UpdateShape {
  /** Highest client first, each once. */
  readonly clients: readonly ClientRuns[]
  /** Client to the clock after the last item of it that the update deletes. */
  readonly deletes: ReadonlyMap<number, number>
  /** Shared types that it names, each at least once. It names none for what goes on from something already there. */
  readonly roots: readonly string[]
}

/** The low five bits of a struct's first byte say what it is, the others what follows. */
const KIND = 0x1f
const KIND_GC = 0
const KIND_SKIP = 10
const HAS_ORIGIN = 0x80
const HAS_RIGHT_ORIGIN = 0x40
const HAS_PARENT_KEY = 0x20

/** @throws INVALID_UPDATE if `update` is not exactly one sound update; takes time and memory linear in its length */
export function inspectUpdate(update: Uint8Array): UpdateShape {
  const decoder = decoding.createDecoder(update)
  try {
    const roots: string[] = []
    const clients = readClients(decoder, roots)
    const deletes = readDeletes(decoder)
    if (decoding.hasContent(decoder)) throw new Error('bytes follow its end')
    return { clients, deletes, roots }
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new SessionMeshError('INVALID_UPDATE', `update at byte ${decoder.pos}: ${reason}`, { cause })
  }
}

function readClients(decoder: decoding.Decoder, roots: string[]): ClientRuns[] {
  const clients: ClientRuns[] = []
  let above = Number.POSITIVE_INFINITY
  for (let left = readCount(decoder); left > 0; left--) {
    const structs = readCount(decoder)
    const client = readCount(decoder)
    // Yjs writes them so. Of a client that comes twice it would drop the first part, and mergeUpdates relies on the order.
    if (client >= above) throw new Error(`client ${client} out of order`)
    above = client
    clients.push({ client, runs: readRuns(decoder, client, structs, roots) })
  }
  return clients
}

function readRuns(decoder: decoding.Decoder, client: number, structs: number, roots: string[]): Run[] {
  const runs: { clock: number; end: number; skip: boolean; needs: readonly Need[] }[] = []
  const needed = new Map<number, number>()
  let clock = readCount(decoder)
  for (let left = structs; left > 0; left--) {
    const needs: Need[] = []
    const info = readByte(decoder)
    const skip = info === KIND_SKIP
    const length =
      skip || info === KIND_GC
        ? readCount(decoder)
        : readItem(decoder, info, { client, clock }, roots, (need) => {
            // What an earlier struct here needed is there by the time that this one has its turn.
            if ((needed.get(need.client) ?? -1) >= need.clock) return
            needed.set(need.client, need.clock)
            needs.push(need)
          })
    const end = clock + length
    if (length === 0) throw new Error('empty struct')
    if (end > CLOCK_MAX) throw new Error(`clock ${end} is absurd`)
    const last = runs.at(-1)
    if (last !== undefined && last.skip === skip && needs.length === 0) last.end = end
    else runs.push({ clock, end, skip, needs })
    clock = end
  }
  return runs
}

/** Reads over an item, reports what it needs of other clients, and returns its length. */
function readItem(
  decoder: decoding.Decoder,
  info: number,
  self: Need,
  roots: string[],
  onNeed: (need: Need) => void,
): number {
  const readNeed = () => {
    const need = { client: readCount(decoder), clock: readCount(decoder) }
    if (need.client !== self.client) onNeed(need)
    else if (need.clock >= self.clock) throw new Error(`struct ${self.clock} rests on its own successor`)
  }
  if ((info & HAS_ORIGIN) !== 0) readNeed()
  if ((info & HAS_RIGHT_ORIGIN) !== 0) readNeed()
  if ((info & (HAS_ORIGIN | HAS_RIGHT_ORIGIN)) === 0) {
    const isTopLevel = readCount(decoder) === 1
    if (isTopLevel) {
      const root = decoding.readVarString(decoder)
      if (root !== roots.at(-1)) roots.push(root)
    } else readNeed()
    if ((info & HAS_PARENT_KEY) !== 0) decoding.readVarString(decoder)
  }
  return scanContent(decoder, info & KIND)
}

function readDeletes(decoder: decoding.Decoder): Map<number, number> {
  const deletes = new Map<number, number>()
  for (let clients = readCount(decoder); clients > 0; clients--) {
    const client = readCount(decoder)
    for (let ranges = readCount(decoder); ranges > 0; ranges--) {
      const clock = readCount(decoder)
      const length = readCount(decoder)
      if (length === 0) throw new Error('empty delete')
      if (clock + length > CLOCK_MAX) throw new Error(`clock ${clock + length} is absurd`)
      deletes.set(client, Math.max(deletes.get(client) ?? 0, clock + length))
    }
  }
  return deletes
}
