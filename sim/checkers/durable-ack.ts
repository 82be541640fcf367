// Guarantee 1, at the moment it is given: every disk that a receipt names holds the write and all it depends on.
import * as Y from 'yjs'
import { tagsOf } from '../workload/content.ts'
import type { CheckerKind } from './checker.ts'

export const durableAck: CheckerKind = {
  name: 'durable-ack',
  violatedWhen: 'a receipt names a disk that does not hold the write, or not what it depends on',
  make: ({ shadows }, report) => ({
    onAck(entry) {
      const { session, kind, tag } = entry.operation
      if (kind === 'read' || kind === 'terminate') return
      for (const { machine } of entry.copies) {
        const doc = shadows.of(machine, session)
        const held = doc === undefined || entry.wrote === undefined ? 0 : Y.getState(doc.store, entry.wrote.client)
        if (entry.wrote !== undefined && held < entry.wrote.clock) {
          const short = `whose disk holds ${held} of ${entry.wrote.clock} of its writer`
          report(`${tag} was acknowledged for ${machine}, ${short}`, [machine])
        } else if (doc !== undefined && entry.replaced !== undefined && shows(doc, entry.replaced)) {
          report(`${tag} was acknowledged for ${machine}, whose disk still shows ${entry.replaced}`, [machine])
        }
      }
    },
  }),
}

function shows(doc: Y.Doc, tag: string): boolean {
  const { map, others } = tagsOf(doc)
  return others.has(tag) || [...map.values()].includes(tag)
}
