// Peers that break what membership and placement promise.
import type { Mutant } from './mutant.ts'

const VIEW = 'node/membership/view.ts'
const RANKINGS = 'node/membership/rankings.ts'
const MEMBERSHIP = 'node/membership/membership.ts'

export const MEMBERSHIP_MUTANTS: readonly Mutant[] = [
  {
    name: 'placement-by-arrival',
    breaks: 'the rank of members depends on the order in which they were met',
    guard: 'one-home',
    edits: [
      { file: RANKINGS, find: '.toSorted(byClaim)', replace: '' },
      { file: RANKINGS, find: 'placeOf(claim, claims), 0, claim', replace: 'claims.length, 0, claim' },
      {
        file: RANKINGS,
        find: 'placeOf({ member, score: score(shard, member) }, claims), 1',
        replace: 'claims.findIndex((claim) => claim.member.peer === member.peer), 1',
      },
    ],
  },
  {
    name: 'adopts-nobody',
    breaks: 'nobody sees to what a dead home has left',
    guard: 'adopted',
    edits: [
      {
        file: 'node/recovery/orphans.ts',
        find: '!isAutomatic || this.#isStopped',
        replace: 'isAutomatic || this.#isStopped',
      },
    ],
  },
  {
    name: 'old-boot-stays',
    breaks: 'heartbeats of a restarted peer are taken for old ones',
    guard: 'membership',
    edits: [
      {
        file: VIEW,
        find: 'if (info.boot !== known.boot) return info.boot > known.boot',
        replace: 'if (info.boot !== known.boot) return info.boot < known.boot',
      },
    ],
  },
  {
    name: 'hasty-burial',
    breaks: 'one late heartbeat is proof of death',
    guard: 'no-false-death',
    edits: [
      {
        file: VIEW,
        find: 'record.estimator.isBeyond(silentMs, PHI_SUSPECT)',
        replace: '(silentMs > this.#heartbeatIntervalMs || record.estimator.isBeyond(silentMs, PHI_SUSPECT))',
      },
      { file: VIEW, find: '>= this.#suspicionTimeoutMs', replace: '>= 0 * this.#suspicionTimeoutMs' },
    ],
  },
  {
    name: 'deaf-to-closed-connections',
    breaks: 'a connection that closes makes nobody suspect',
    guard: 'detection',
    edits: [
      {
        file: MEMBERSHIP,
        find: "transport.on('peer:down', (peer) => this.#closed(peer))",
        replace: "transport.on('peer:down', (peer) => void (peer === transport.self && this.#closed(peer)))",
      },
    ],
  },
]
