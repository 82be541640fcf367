// Nothing is in a session that no client has put there.
import { tagsOf } from '../workload/content.ts'
import type { Report } from './checker.ts'
import type { EndCheckerKind, EndScene } from './end-scene.ts'

export const noInvention: EndCheckerKind = {
  name: 'no-invention',
  promise: 'A session holds what its clients wrote, where they wrote it, and nothing else.',
  violatedWhen: 'a value is on a disk that no client wrote to that session, that key, that list',
  needsTags: true,
  make: (scene, report) => ({
    atEnd() {
      for (const { name, disk } of scene.world.machines.values()) {
        for (const session of disk.sessions()) compare(scene, name, session, report)
      }
    },
  }),
}

function compare({ shadows, history }: EndScene, machine: string, session: string, report: Report): void {
  const doc = shadows.of(machine, session)
  if (doc === undefined) return
  const wasWritten = (tag: string, kinds: readonly string[], key?: string): boolean => {
    const entry = history.byTag(tag)
    if (entry === undefined || !entry.isApplied || entry.operation.session !== session) return false
    return kinds.includes(entry.operation.kind) && (key === undefined || entry.operation.key === key)
  }
  const { map, others } = tagsOf(doc)
  for (const [key, tag] of map) {
    if (!wasWritten(tag, ['create', 'set'], key)) report(`${machine}: ${session}.${key} is ${tag}`, [machine])
  }
  for (const tag of others) {
    if (!wasWritten(tag, ['push', 'type'])) report(`${machine}: ${tag} is in ${session}`, [machine])
  }
}
