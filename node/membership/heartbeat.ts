// Heartbeats on the wire, and what is refused of them: they come from the network.
import { SessionMeshError } from '../../crdt/errors.ts'
import { Heartbeat } from '../../transport/wire/messages.js'
import type { PeerId } from '../../transport/port.ts'
import type { HeartbeatInfo } from './view.ts'

export const WIRE_VERSION = 1
const TEXT_MAX = 256
const ADDRESSES_MAX = 32
const WEIGHT_MAX = 1_000_000

export function encodeHeartbeat(info: HeartbeatInfo): Uint8Array {
  return Heartbeat.encode({
    version: WIRE_VERSION,
    ...info,
    delegate: info.delegate ?? '',
    addresses: [...info.addresses],
    suspected: [...info.suspected],
  })
}

/** @throws SessionMeshError INVALID_MESSAGE naming what was wrong */
export function decodeHeartbeat(bytes: Uint8Array, from: PeerId): HeartbeatInfo {
  const beat = decode(bytes)
  check(beat.version === WIRE_VERSION, `heartbeat version ${beat.version}, this peer speaks ${WIRE_VERSION}`)
  check(beat.peer === from, `heartbeat of ${beat.peer.slice(0, TEXT_MAX)} signed by ${from}`)
  check(/^[0-9a-f]{1,64}$/.test(beat.boot), 'heartbeat with a malformed boot id')
  check(beat.name.length <= TEXT_MAX && beat.zone.length <= TEXT_MAX, 'heartbeat with an overlong name or zone')
  check(beat.weight <= WEIGHT_MAX, `heartbeat with weight ${beat.weight}`)
  check(beat.addresses.length <= ADDRESSES_MAX, `heartbeat with ${beat.addresses.length} addresses`)
  check(Number.isSafeInteger(beat.counter) && Number.isSafeInteger(beat.incarnation), 'heartbeat counter out of range')
  return { ...beat, peer: from, delegate: beat.delegate === '' ? null : (beat.delegate as PeerId) }
}

function decode(bytes: Uint8Array): Heartbeat {
  try {
    return Heartbeat.decode(bytes)
  } catch (cause) {
    throw new SessionMeshError('INVALID_MESSAGE', 'heartbeat is not protobuf', { cause })
  }
}

function check(condition: boolean, message: string): asserts condition {
  if (!condition) throw new SessionMeshError('INVALID_MESSAGE', message)
}
