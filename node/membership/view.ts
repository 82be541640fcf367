// The member table: one versioned record per peer, each owned by that peer (its heartbeats alone change it), plus this
// peer's own judgement of whether it lives. A pure state machine: time is an argument, effects are returned.
//
//   alive ──silence, closed connection──▶ suspect ──suspicionTimeout──▶ dead
//     ▲                                      │                          │
//     └────────── a newer heartbeat ─────────┴──────────────────────────┘        left: said so itself
import type { PeerId } from '../../transport/port.ts'
import type { HeldState, MemberStatus } from '../api.ts'
import { PhiEstimator } from './phi.ts'
import type { ReplicationFactor } from './placement.ts'

export interface HeldShard {
  readonly state: HeldState
  /** Root of its hash tree; empty for a partial holding. */
  readonly root: Uint8Array
}

/** Shards that a peer holds anything of. */
export type Holdings = ReadonlyMap<number, HeldShard>

/** What a peer says of itself. */
export interface HeartbeatInfo {
  readonly peer: PeerId
  readonly boot: string
  readonly counter: number
  readonly incarnation: number
  readonly name: string
  readonly zone: string
  readonly weight: number
  readonly draining: boolean
  readonly delegate: PeerId | null
  readonly heir: PeerId | null
  readonly leaving: boolean
  readonly addresses: readonly string[]
  /** Equal in all of a mesh. */
  readonly shardCount: number
  readonly factor: ReplicationFactor
  readonly holdings: Holdings
  readonly sessions: number
  readonly suspected: readonly string[]
}

export interface MemberRecord {
  info: HeartbeatInfo
  status: MemberStatus
  /** Monotonic ms. */
  lastHeard: number
  suspectSince: number
  /** Among all that were ever heard of, in the order of their first word. */
  readonly place: number
  readonly estimator: PhiEstimator
}

export interface MemberChange {
  readonly peer: PeerId
  readonly from: MemberStatus | null
  readonly to: MemberStatus
  /** The peer is a new process: what was known of its last one no longer holds. */
  readonly rebooted: boolean
  readonly cause: string
}

/** phi at which silence becomes suspicion: one false alarm in 10^8 heartbeats by its own model. */
export const PHI_SUSPECT = 8

export class View {
  readonly records = new Map<PeerId, MemberRecord>()
  /** Made when asked for: most heartbeats change nothing in them. */
  #live: readonly MemberRecord[] | undefined
  #suspected: readonly PeerId[] | undefined
  readonly #changed = new Set<PeerId>()
  readonly #heartbeatIntervalMs: number
  readonly #suspicionTimeoutMs: number

  constructor(options: { readonly heartbeatIntervalMs: number; readonly suspicionTimeoutMs: number }) {
    this.#heartbeatIntervalMs = options.heartbeatIntervalMs
    this.#suspicionTimeoutMs = options.suspicionTimeoutMs
  }

  /** Takes a heartbeat in. Undefined if it is older than what is known. */
  heard(info: HeartbeatInfo, now: number): { change: MemberChange | undefined; placementChanged: boolean } | undefined {
    const known = this.records.get(info.peer)
    if (known !== undefined && !isNewer(info, known.info)) return undefined
    const to: MemberStatus = info.leaving ? 'left' : 'alive'
    const rebooted = known === undefined || known.info.boot !== info.boot
    const from = known?.status ?? null
    const placementChanged = known === undefined || !samePlacement(known.info, info)
    if (known === undefined || rebooted || from !== to) this.#statusChanged(info.peer)
    else if (known.info.holdings !== info.holdings) this.#changed.add(info.peer)
    if (known === undefined || rebooted) {
      this.records.set(info.peer, this.#fresh(info, to, now, known?.place ?? this.records.size))
    } else {
      if (known.status === 'alive') known.estimator.record(now - known.lastHeard)
      known.info = info
      known.lastHeard = now
      known.status = to
    }
    const cause = info.leaving ? 'left' : rebooted ? 'joined' : 'heard again'
    const change = from === to && !rebooted ? undefined : { peer: info.peer, from, to, rebooted, cause }
    return { change, placementChanged: placementChanged || change !== undefined }
  }

  suspect(peer: PeerId, now: number, cause: string): MemberChange | undefined {
    const record = this.records.get(peer)
    if (record === undefined || record.status !== 'alive') return undefined
    record.status = 'suspect'
    this.#statusChanged(peer)
    record.suspectSince = now
    return { peer, from: 'alive', to: 'suspect', rebooted: false, cause }
  }

  /** Declares a suspect dead without waiting, on evidence such as a refused connection. */
  bury(peer: PeerId, cause: string): MemberChange | undefined {
    const record = this.records.get(peer)
    if (record === undefined || record.status !== 'suspect') return undefined
    record.status = 'dead'
    this.#statusChanged(peer)
    return { peer, from: 'suspect', to: 'dead', rebooted: false, cause }
  }

  /** Judges silence. */
  tick(now: number): MemberChange[] {
    const changes: MemberChange[] = []
    for (const [peer, record] of this.records) {
      const silentMs = now - record.lastHeard
      if (record.status === 'alive' && record.estimator.isBeyond(silentMs, PHI_SUSPECT)) {
        push(changes, this.suspect(peer, now, `silent for ${Math.round(silentMs)} ms`))
      } else if (record.status === 'suspect' && now - record.suspectSince >= this.#suspicionTimeoutMs) {
        push(changes, this.bury(peer, `silent for ${Math.round(silentMs)} ms`))
      }
    }
    return changes
  }

  /** This process was stopped for `ms`: nobody could be heard, so nobody was silent. */
  forgive(ms: number): void {
    for (const record of this.records.values()) {
      record.lastHeard += ms
      record.suspectSince += ms
    }
  }

  /** Members that count for placement and for acknowledgements: a suspect still does. */
  live(): readonly MemberRecord[] {
    this.#live ??= [...this.records.values()].filter(({ status }) => status === 'alive' || status === 'suspect')
    return this.#live
  }

  suspected(): readonly PeerId[] {
    this.#suspected ??= [...this.records.values()].flatMap(({ status, info }) =>
      status === 'suspect' || status === 'dead' ? [info.peer] : [],
    )
    return this.#suspected
  }

  /** Members whose status, or whose word on what they hold, is another than when this was asked last. */
  takeChanged(): MemberRecord[] {
    if (this.#changed.size === 0) return []
    const changed = [...this.#changed].flatMap((peer) => this.records.get(peer) ?? [])
    this.#changed.clear()
    return changed
  }

  #statusChanged(peer: PeerId): void {
    this.#live = undefined
    this.#suspected = undefined
    this.#changed.add(peer)
  }

  #fresh(info: HeartbeatInfo, status: MemberStatus, now: number, place: number): MemberRecord {
    const estimator = new PhiEstimator(this.#heartbeatIntervalMs)
    return { info, status, lastHeard: now, suspectSince: now, place, estimator }
  }
}

/** Boot ids begin with the time of the boot, so that they sort. */
function isNewer(info: HeartbeatInfo, known: HeartbeatInfo): boolean {
  if (info.boot !== known.boot) return info.boot > known.boot
  return info.counter > known.counter
}

function samePlacement(a: HeartbeatInfo, b: HeartbeatInfo): boolean {
  return (
    a.zone === b.zone &&
    a.weight === b.weight &&
    a.delegate === b.delegate &&
    a.heir === b.heir &&
    a.draining === b.draining &&
    a.factor === b.factor
  )
}

function push(changes: MemberChange[], change: MemberChange | undefined): void {
  if (change !== undefined) changes.push(change)
}
