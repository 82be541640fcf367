// Causal tokens: what a document held at one moment, small enough to hand to a client, so that any other peer can tell
// whether it holds at least that.
//
// A token lists a state vector and the deletions, exactly: a deletion is a write too, and state vectors don't show it.
// Both are facts of the document, so a token means the same to every peer, whoever made it and whatever has been
// restarted since. What does not fit is left out, and whoever is shown the token must ask everybody instead
// (`isExact`). Nothing in it is secret: clocks and client ids, as every client of the session sees them.
//
//   token := base64url(version: byte, parts: byte, state vector, [deletions], check: 6 bytes)
//   deletions := count, (client, count, (gap, length)*)*     gaps from the end of the range before; all varUint
import { fromBase64UrlEncoded, toBase64UrlEncoded } from 'lib0/buffer'
import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import * as Y from 'yjs'
import { SessionMeshError } from './errors.ts'
import { concatenate, hash128 } from './hash.ts'
import { readByte, readCount } from './scan.ts'
import { CLOCK_MAX, encodeStateVector, readStateVector, stateVectorOf, type StateVector } from './state-vector.ts'

/** The most that a token takes, as text: it fits into a header or a cookie. */
export const TOKEN_LENGTH_MAX = 2_048

const VERSION = 1
const CHECK_BYTES = 6
const BODY_BYTES_MAX = (TOKEN_LENGTH_MAX / 4) * 3 - CHECK_BYTES
/** Documents of more structs are not walked for their deletions with each write. */
const STRUCTS_MAX = 4_096

/** What is listed. */
const NOTHING = 0
const INSERTIONS = 1
const ALL = 2

interface Range {
  readonly clock: number
  readonly length: number
}

export interface CausalToken {
  readonly stateVector: StateVector
  readonly deletions: ReadonlyMap<number, readonly Range[]>
  /** All that it stands for is listed. Otherwise only those who were there know the rest. */
  readonly isExact: boolean
}

/** What `doc` holds now. Cheap beside its text, which few ask for: every write takes one. */
export function held(doc: Y.Doc): CausalToken {
  const stateVector = stateVectorOf(doc)
  const deletions = new Map<number, readonly Range[]>()
  let count = 0
  for (const structs of doc.store.clients.values()) count += structs.length
  if (count > STRUCTS_MAX) return { stateVector, deletions, isExact: false }
  for (const [client, structs] of doc.store.clients) {
    const ranges = deletedOf(structs)
    if (ranges.length > 0) deletions.set(client, ranges)
  }
  return { stateVector, deletions, isExact: true }
}

/** The token as text, for clients; what would make it too long is left out. */
export function formatToken(session: string, token: CausalToken): string {
  const stateVector = encodeStateVector(token.stateVector)
  if (stateVector.length > BODY_BYTES_MAX) return seal(session, NOTHING, [])
  const deletions = token.isExact ? encodeDeletions(token.deletions, BODY_BYTES_MAX - stateVector.length) : undefined
  if (deletions === undefined) return seal(session, INSERTIONS, [stateVector])
  return seal(session, ALL, [stateVector, deletions])
}

/** A token for all that `doc` holds now, as text. */
export function tokenOf(session: string, doc: Y.Doc): string {
  return formatToken(session, held(doc))
}

/** @throws INVALID_TOKEN if it was not made for this session, or not made by `formatToken` */
export function parseToken(session: string, text: string): CausalToken {
  try {
    return read(open(session, text))
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new SessionMeshError('INVALID_TOKEN', `token ${JSON.stringify(text.slice(0, 40))}: ${reason}`, { cause })
  }
}

/** Whether `doc` holds all that the token lists. */
export function covers(doc: Y.Doc, { stateVector, deletions }: CausalToken): boolean {
  for (const [client, clock] of stateVector) if (Y.getState(doc.store, client) < clock) return false
  for (const [client, ranges] of deletions) {
    const structs = doc.store.clients.get(client) ?? []
    if (!ranges.every((range) => areDeleted(structs, range))) return false
  }
  return true
}

function areDeleted(structs: (Y.Item | Y.GC)[], { clock, length }: Range): boolean {
  const last = structs.at(-1)
  if (last === undefined || last.id.clock + last.length < clock + length) return false
  for (let index = Y.findIndexSS(structs, clock); index < structs.length; index++) {
    const struct = structs[index]
    if (struct === undefined || struct.id.clock >= clock + length) break
    if (!struct.deleted) return false
  }
  return true
}

/** Undefined if it would take more than `bytesMax`. */
function encodeDeletions(deletions: CausalToken['deletions'], bytesMax: number): Uint8Array | undefined {
  const encoder = encoding.createEncoder()
  encoding.writeVarUint(encoder, deletions.size)
  for (const [client, ranges] of [...deletions].toSorted(([one], [other]) => one - other)) {
    encoding.writeVarUint(encoder, client)
    encoding.writeVarUint(encoder, ranges.length)
    let end = 0
    for (const { clock, length } of ranges) {
      encoding.writeVarUint(encoder, clock - end)
      encoding.writeVarUint(encoder, length)
      end = clock + length
    }
    if (encoding.length(encoder) > bytesMax) return undefined
  }
  return encoding.toUint8Array(encoder)
}

/** Neighbours are one range, so that equal documents have equal tokens however their items are cut. */
function deletedOf(structs: readonly (Y.Item | Y.GC)[]): Range[] {
  const ranges: { clock: number; length: number }[] = []
  for (const { id, length, deleted } of structs) {
    if (!deleted) continue
    const last = ranges.at(-1)
    if (last !== undefined && last.clock + last.length === id.clock) last.length += length
    else ranges.push({ clock: id.clock, length })
  }
  return ranges
}

function seal(session: string, parts: number, body: readonly Uint8Array[]): string {
  const bytes = concatenate([new Uint8Array([VERSION, parts]), ...body])
  return toBase64UrlEncoded(concatenate([bytes, checkOf(session, bytes)]))
}

/** What is inside, once it is known to be whole and for this session. */
function open(session: string, text: string): Uint8Array {
  if (text.length > TOKEN_LENGTH_MAX) throw new Error(`${text.length} characters, at most ${TOKEN_LENGTH_MAX}`)
  if (!/^[\w-]+$/.test(text)) throw new Error('not base64url')
  const sealed = fromBase64UrlEncoded(text)
  // Bits that fill no byte are dropped in decoding.
  if (toBase64UrlEncoded(sealed) !== text) throw new Error('not as it was written')
  const bytes = sealed.subarray(0, Math.max(0, sealed.length - CHECK_BYTES))
  if (sealed.length > CHECK_BYTES && sealed[0] !== VERSION) throw new Error(`version ${sealed[0]}, expected ${VERSION}`)
  const check = checkOf(session, bytes)
  const isWhole = sealed.length > CHECK_BYTES && check.every((byte, index) => byte === sealed[bytes.length + index])
  if (!isWhole) throw new Error('cut off, altered, or of another session')
  return bytes
}

function checkOf(session: string, bytes: Uint8Array): Uint8Array {
  return hash128(bytes, session).subarray(0, CHECK_BYTES)
}

function read(bytes: Uint8Array): CausalToken {
  const decoder = decoding.createDecoder(bytes)
  readByte(decoder)
  const parts = readByte(decoder)
  if (parts > ALL) throw new Error(`parts ${parts}`)
  const stateVector = parts === NOTHING ? new Map<number, number>() : readStateVector(decoder)
  const deletions = parts === ALL ? readDeletions(decoder) : new Map<number, Range[]>()
  if (decoding.hasContent(decoder)) throw new Error('bytes follow its end')
  return { stateVector, deletions, isExact: parts === ALL }
}

function readDeletions(decoder: decoding.Decoder): Map<number, Range[]> {
  const deletions = new Map<number, Range[]>()
  for (let clients = readCount(decoder); clients > 0; clients--) {
    const client = readCount(decoder)
    const ranges: Range[] = []
    let end = 0
    for (let left = readCount(decoder); left > 0; left--) {
      const clock = end + readCount(decoder)
      const length = readCount(decoder)
      end = clock + length
      if (length === 0 || end > CLOCK_MAX) throw new Error(`deletion of ${length} at ${clock}`)
      ranges.push({ clock, length })
    }
    deletions.set(client, ranges)
  }
  return deletions
}
