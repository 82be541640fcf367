// The queue of what is due: nothing early, nothing forgotten, nothing twice.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Agenda } from '../../../node/life/agenda.ts'
import { newEntry } from '../../../node/sessions/entry.ts'

test('what is taken is what is due by the earliest time that was noted, the earliest first', () => {
  const entries = ['a', 'b', 'c', 'd'].map((id) => newEntry(id, 0))
  const step = fc.oneof(
    fc.record({ note: fc.nat(3), at: fc.nat(100) }),
    fc.record({ take: fc.nat(100), max: fc.integer({ min: 1, max: 4 }) }),
  )
  const property = fc.property(fc.array(step, { maxLength: 50 }), (steps) => {
    const agenda = new Agenda()
    const model = new Map<string, number>()
    for (const next of steps) {
      if ('note' in next) {
        const entry = entries[next.note]
        if (entry === undefined) continue
        agenda.note(entry, next.at)
        model.set(entry.id, Math.min(next.at, model.get(entry.id) ?? Infinity))
        continue
      }
      const due = [...model.values()].filter((at) => at <= next.take).toSorted((one, other) => one - other)
      const taken = agenda.take(next.take, next.max)
      expect(taken.map(({ id }) => model.get(id))).toEqual(due.slice(0, next.max))
      for (const { id } of taken) model.delete(id)
    }
    expect(agenda.size).toBe(model.size)
  })
  fc.assert(property, { numRuns: 300 })
})
