// The fault menu: each fault is data, begins at a time and, if it lasts, ends by itself.
import type { Millis } from './plan.ts'

/** What every fault has. `forMs` is how long it lasts. */
interface Timed {
  readonly at: Millis
  readonly forMs: Millis
}
interface Sudden {
  readonly at: Millis
}

export type Fault =
  // Networks. `groups`: machines of different groups can't reach each other; who is in several groups is a bridge.
  | (Timed & { readonly kind: 'partition'; readonly groups: readonly (readonly string[])[] })
  /** One way: what `from` sends does not reach `to`. */
  | (Timed & { readonly kind: 'block'; readonly from: readonly string[]; readonly to: readonly string[] })
  /** A partition that comes and goes, `everyMs` each. */
  | (Timed & { readonly kind: 'flap'; readonly groups: readonly (readonly string[])[]; readonly everyMs: Millis })
  /** Links of one machine are stopped one by one and opened again in another order. */
  | (Timed & { readonly kind: 'swizzle'; readonly machine: string })
  /** Everything sent over the link arrives after the end. */
  | (Timed & { readonly kind: 'clog'; readonly from: string; readonly to: string })
  /** Links are worse than usual. `machines`: between all of them. */
  | (Timed & {
      readonly kind: 'degrade'
      readonly machines: readonly string[]
      readonly latencyMs: Millis
      readonly lossPerMillion: number
      readonly duplicatePerMillion: number
      readonly bytesPerMs: number
    })
  /** Connections between two machines break in the middle of requests, again and again. */
  | (Timed & { readonly kind: 'cut-requests'; readonly between: readonly [string, string] })
  /** Connections between two machines break; they may connect again at once. */
  | (Sudden & { readonly kind: 'reset'; readonly between: readonly [string, string] })
  // Processes.
  /** SIGKILL; started again after `forMs`, on the same disk or on a new one. */
  | (Timed & { readonly kind: 'crash'; readonly machines: readonly string[]; readonly wipe: boolean })
  /** An orderly stop, and a start after `forMs`. */
  | (Timed & { readonly kind: 'restart'; readonly machines: readonly string[] })
  /** SIGSTOP and SIGCONT. */
  | (Timed & { readonly kind: 'freeze'; readonly machine: string })
  /** Everything on the machine happens `byMs` later. */
  | (Timed & { readonly kind: 'slow'; readonly machine: string; readonly byMs: Millis })
  /** The process goes on while another starts on a copy of its disk, under the same key; it is killed at the end. */
  | (Timed & { readonly kind: 'twin'; readonly machine: string })
  /** The machine leaves the mesh in order, for good. */
  | (Sudden & { readonly kind: 'leave'; readonly machine: string })
  /** The machine joins the mesh only now. */
  | (Sudden & { readonly kind: 'join'; readonly machine: string })
  // Disks.
  | (Timed & { readonly kind: 'slow-disk'; readonly machine: string; readonly factor: number })
  | (Timed & { readonly kind: 'full-disk'; readonly machine: string })
  | (Timed & { readonly kind: 'read-errors'; readonly machine: string })
  /** A record on the disk goes bad; it is noticed when it is next read. */
  | (Sudden & { readonly kind: 'rot'; readonly machine: string })
  // Backups: no harm by themselves, and done while harm is.
  /** The machine's peer takes a snapshot and keeps it where all find it. */
  | (Sudden & { readonly kind: 'snapshot'; readonly machine: string })
  /** The machine's peer restores the newest snapshot of any peer, or the one that `back` others are younger than. */
  | (Sudden & { readonly kind: 'restore'; readonly machine: string; readonly back: number })
  // Handovers: no harm by themselves either.
  /** The machine's peer drains, and comes back into use at the end. */
  | (Timed & { readonly kind: 'drain'; readonly machine: string })
  /** The peer of `from` hands its homes over to that of `to`, gracefully, and takes them back at the end. */
  | (Timed & { readonly kind: 'hand-over'; readonly from: string; readonly to: string })
  // Clocks.
  | (Sudden & { readonly kind: 'clock-jump'; readonly machine: string; readonly byMs: number })
  | (Sudden & { readonly kind: 'clock-drift'; readonly machine: string; readonly partsPerMillion: number })

export type FaultKind = Fault['kind']
