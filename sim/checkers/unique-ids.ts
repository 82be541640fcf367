// (client id, clock) names one change for ever, over all processes there ever were. A process that writes under the
// name of an earlier one, whose last changes are lost, makes replicas differ behind equal digests.
import { crc32 } from 'node:zlib'
import * as Y from 'yjs'
import type { LogRecord } from '../../node/ports/store.ts'
import type { Report } from './checker.ts'
import type { EndCheckerKind } from './end-scene.ts'

export const uniqueIds: EndCheckerKind = {
  name: 'unique-ids',
  promise: 'A Yjs client id belongs to one process, a (client id, clock) to one change.',
  violatedWhen:
    'two processes write under one client id, a process changes its own without cause, or one (client id, clock) has two contents on disks',
  make: ({ world, history }, report) => {
    const contents = new Map<string, string[]>()
    const seen = new Set<string>()
    const writers = new Writers(report)
    const removals = new Map<string, number>()
    return {
      onRewritten(machine, session, cause) {
        const key = `${machine} ${session}`
        if (cause === 'removed') removals.set(key, (removals.get(key) ?? 0) + 1)
      },
      onSynced(machine, session, { update }) {
        // Most records are the same update once more, on another disk.
        const key = `${session} ${update.length} ${crc32(update)}`
        if (seen.has(key)) return
        seen.add(key)
        for (const name of clashes(contents, session, update)) {
          report(`${session} on ${machine}: ${name} stood for something else before`, [machine])
        }
      },
      onApplied(entry) {
        const { machine, incarnation, wrote, operation } = entry
        // A peer that has lost part of a session on its disk, or had let go of it, must not write there under the id
        // that it had, each time.
        const { session } = operation
        const { disk } = world.machine(machine)
        const removed = removals.get(`${machine} ${session}`) ?? 0
        // Nor where it has forgotten a session that comes back.
        const isGone = history.isGone(session)
        const losses = isGone ? Infinity : removed + (disk.isDamaged(session) ? disk.generationOf(session) : 0)
        const cause = losses > 0 ? session : ''
        if (wrote !== undefined) writers.wrote(wrote.client, machine, `${machine}/${incarnation}`, cause, losses)
      },
    }
  },
}

/** Who writes under which client id. */
class Writers {
  readonly #report: Report
  readonly #processOf = new Map<number, string>()
  readonly #clientsOf = new Map<string, Set<number>>()

  constructor(report: Report) {
    this.#report = report
  }

  /** @param session the one of which the process's disk has lost or let go of something, so many times; or none */
  wrote(client: number, machine: string, process: string, session: string, losses: number): void {
    const owner = this.#processOf.get(client) ?? process
    this.#processOf.set(client, owner)
    if (owner !== process) this.#report(`${process} writes as client ${client}, which was ${owner}`, [machine])
    const key = `${process} ${session}`
    const before = this.#clientsOf.get(key) ?? new Set()
    this.#clientsOf.set(key, before)
    if (before.size > losses && !before.has(client)) {
      this.#report(`${process} writes as client ${client}, before it was ${[...before].join(', ')}`, [machine])
    }
    before.add(client)
  }
}

/** Takes in what an update says of each change. Names of those that were something else before. */
function clashes(contents: Map<string, string[]>, session: string, update: LogRecord['update']): string[] {
  const clashing: string[] = []
  for (const struct of Y.decodeUpdate(update).structs) {
    if (!(struct instanceof Y.Item)) continue
    const { client, clock } = struct.id
    const known = contents.get(`${session} ${client}`) ?? []
    contents.set(`${session} ${client}`, known)
    for (const [index, unit] of units(struct.content).entries()) {
      const before = known[clock + index]
      if (before === undefined) known[clock + index] = unit
      else if (before !== unit) clashing.push(`(${client}, ${clock + index}) is ${unit}, ${before}`)
    }
  }
  return clashing
}

/** The content of each clock; nothing for what was deleted: it has none any more. */
function units(content: Y.Item['content']): string[] {
  if (content instanceof Y.ContentString) return content.str.split('') // by UTF-16 units, as Yjs counts
  if (content instanceof Y.ContentAny || content instanceof Y.ContentJSON) {
    return content.arr.map((value: unknown) => JSON.stringify(value) ?? '')
  }
  return []
}
