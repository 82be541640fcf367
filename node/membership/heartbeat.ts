// Heartbeats on the wire, and what is refused of them: they come from the network.
import { DIGEST_BYTES } from '../../crdt/index.ts'
import { SessionMeshError } from '../../crdt/errors.ts'
import { Heartbeat, Holdings as WireHoldings, HoldingState } from '../../transport/wire/messages.js'
import type { PeerId } from '../../transport/port.ts'
import type { HeldState } from '../api.ts'
import type { HeartbeatInfo, Holdings } from './view.ts'

export const WIRE_VERSION = 2
const TEXT_MAX = 256
const ADDRESSES_MAX = 32
const WEIGHT_MAX = 1_000_000
const FACTOR_MAX = 1_000_000

const STATES: Readonly<Record<HoldingState, HeldState>> = {
  [HoldingState.PARTIAL]: 'partial',
  [HoldingState.ACQUIRING]: 'acquiring',
  [HoldingState.COMPLETE]: 'complete',
  [HoldingState.RELEASING]: 'releasing',
}
const WIRE_STATES: Readonly<Record<HeldState, HoldingState>> = {
  partial: HoldingState.PARTIAL,
  acquiring: HoldingState.ACQUIRING,
  complete: HoldingState.COMPLETE,
  releasing: HoldingState.RELEASING,
}

export function encodeHeartbeat(info: HeartbeatInfo): Uint8Array {
  return Heartbeat.encode({
    version: WIRE_VERSION,
    ...info,
    delegate: info.delegate ?? '',
    heir: info.heir ?? '',
    factor: info.factor === 'all' ? 0 : info.factor,
    addresses: [...info.addresses],
    suspected: [...info.suspected],
    holdings: packed(info.holdings),
  })
}

/** Holdings change seldom and heartbeats are many: each is encoded once, and decoded once by each receiver. */
const PACKED = new WeakMap<Holdings, Uint8Array>()

function packed(holdings: Holdings): Uint8Array {
  const known = PACKED.get(holdings)
  if (known !== undefined) return known
  const shards = [...holdings].map(([shard, { state, root }]) => ({ shard, state: WIRE_STATES[state], root }))
  const bytes = WireHoldings.encode({ shards })
  PACKED.set(holdings, bytes)
  return bytes
}

function unpacked(bytes: Uint8Array, known: Holdings | undefined, shardCount: number): Holdings {
  const before = known === undefined ? undefined : PACKED.get(known)
  if (known !== undefined && before !== undefined && Buffer.compare(before, bytes) === 0) return known
  const holdings = holdingsOf(bytes, shardCount)
  PACKED.set(holdings, bytes.slice())
  return holdings
}

/**
 * @param shardCount what this peer was set up with: with another count the two would not speak of the same shards
 * @param known what the peer said before; if it still holds the same, the result shares that
 * @throws SessionMeshError INVALID_MESSAGE naming what was wrong
 */
export function decodeHeartbeat(
  bytes: Uint8Array,
  from: PeerId,
  shardCount: number,
  known: Holdings | undefined,
): HeartbeatInfo {
  const beat = decoded(() => Heartbeat.decode(bytes))
  check(beat.version === WIRE_VERSION, `heartbeat version ${beat.version}, this peer speaks ${WIRE_VERSION}`)
  check(beat.peer === from, `heartbeat of ${beat.peer.slice(0, TEXT_MAX)} signed by ${from}`)
  check(/^[0-9a-f]{1,64}$/.test(beat.boot), 'heartbeat with a malformed boot id')
  check(beat.name.length <= TEXT_MAX && beat.zone.length <= TEXT_MAX, 'heartbeat with an overlong name or zone')
  check(beat.weight <= WEIGHT_MAX, `heartbeat with weight ${beat.weight}`)
  check(beat.factor <= FACTOR_MAX, `heartbeat with replication factor ${beat.factor}`)
  check(beat.addresses.length <= ADDRESSES_MAX, `heartbeat with ${beat.addresses.length} addresses`)
  check(Number.isSafeInteger(beat.counter) && Number.isSafeInteger(beat.incarnation), 'heartbeat counter out of range')
  check(beat.shardCount === shardCount, `heartbeat with shardCount ${beat.shardCount}, here it is ${shardCount}`)
  return {
    ...beat,
    peer: from,
    delegate: peerOrNull(beat.delegate),
    heir: peerOrNull(beat.heir),
    factor: beat.factor === 0 ? 'all' : beat.factor,
    holdings: unpacked(beat.holdings, known, shardCount),
  }
}

function peerOrNull(text: string): PeerId | null {
  return text === '' ? null : (text as PeerId)
}

function holdingsOf(bytes: Uint8Array, shardCount: number): Holdings {
  const list = decoded(() => WireHoldings.decode(bytes)).shards
  check(list.length <= shardCount, `heartbeat with ${list.length} holdings`)
  const holdings = new Map<number, { state: HeldState; root: Uint8Array }>()
  for (const { shard, state, root } of list) {
    check(shard < shardCount && !holdings.has(shard), `heartbeat with a holding of shard ${shard}`)
    check(root.length === (state === HoldingState.PARTIAL ? 0 : DIGEST_BYTES), 'heartbeat with a malformed root')
    holdings.set(shard, { state: STATES[state], root })
  }
  return holdings
}

function decoded<T>(decode: () => T): T {
  try {
    return decode()
  } catch (cause) {
    throw new SessionMeshError('INVALID_MESSAGE', 'heartbeat is not protobuf', { cause })
  }
}

function check(condition: boolean, message: string): asserts condition {
  if (!condition) throw new SessionMeshError('INVALID_MESSAGE', message)
}
