// Random histories of a document: a few writers that edit every kind of shared type and now and then take in each
// other's work, from a list of numbers that fast-check draws and shrinks.
import fc from 'fast-check'
import * as Y from 'yjs'
import { createDocument } from '../../../crdt/index.ts'

export interface Step {
  readonly writer: number
  readonly action: number
  readonly a: number
  readonly b: number
}

export interface World {
  /** One update a local transaction, oldest first: a causal order. */
  readonly updates: readonly Uint8Array[]
  readonly writers: readonly Y.Doc[]
}

const WRITERS = 3
const ACTIONS = 16

const steps = (maxLength = 40): fc.Arbitrary<Step[]> =>
  fc.array(fc.record({ writer: fc.nat(WRITERS - 1), action: fc.nat(ACTIONS - 1), a: fc.nat(7), b: fc.nat(7) }), {
    maxLength,
    size: 'max',
  })

export const worlds = (maxLength?: number): fc.Arbitrary<World> => steps(maxLength).map(play)

function play(history: readonly Step[]): World {
  const updates: Uint8Array[] = []
  const writers = Array.from({ length: WRITERS }, (_, index) => {
    const doc = createDocument('world')
    doc.clientID = [70_000, 3, 4_000_000_000][index] ?? 0
    doc.on('update', (update: Uint8Array, _origin, _doc, transaction: Y.Transaction) => {
      if (transaction.local) updates.push(update)
    })
    return doc
  })
  for (const step of history) {
    const doc = writers[step.writer]
    const other = writers[(step.writer + 1 + (step.a % (WRITERS - 1))) % WRITERS]
    if (doc === undefined || other === undefined) continue
    if (step.action === 0) Y.applyUpdate(doc, Y.encodeStateAsUpdate(other, Y.encodeStateVector(doc)))
    else doc.transact(() => edit(doc, step))
  }
  return { updates, writers }
}

export function documentOf(updates: readonly Uint8Array[]): Y.Doc {
  const doc = createDocument('copy')
  for (const update of updates) Y.applyUpdate(doc, update)
  return doc
}

function edit(doc: Y.Doc, { action, a, b }: Step): void {
  const map = doc.getMap<unknown>('data')
  const key = `k${a % 4}`
  const nested = map.get(key)
  switch (action) {
    case 1:
      return void map.set(key, b % 2 === 0 ? b : { b: [b, 'x', null] })
    case 2:
      return void map.delete(key)
    case 3:
      return void map.set(key, new Y.Map([['inner', b]]))
    case 4:
      return void map.set(key, new Y.Text('nested'))
    case 5:
      if (nested instanceof Y.Map) nested.set('more', b)
      if (nested instanceof Y.Text) nested.insert(Math.min(b, nested.length), 'é')
      return
    case 6:
      return void map.set(key, new Uint8Array([a, b]))
    case 7:
      return void map.set(key, new Y.Doc({ guid: `sub${b}` }))
    case 8:
    case 9:
      return editList(doc.getArray('list'), action === 8, a, b)
    case 10:
    case 11:
    case 12:
      return editText(doc.getText('text'), action, a, b)
    case 13:
      return void doc.getText('text').insertEmbed(0, { image: a })
    case 14:
      return void doc.getXmlFragment('xml').insert(0, [new Y.XmlElement('p'), new Y.XmlText('t')])
    default: {
      const xml = doc.getXmlFragment('xml')
      const first = xml.length > 0 ? xml.get(0) : undefined
      if (first instanceof Y.XmlElement) first.setAttribute(key, String(b))
      if (b === 0 && xml.length > 0) xml.delete(0, 1)
    }
  }
}

function editList(list: Y.Array<unknown>, insert: boolean, a: number, b: number): void {
  const index = Math.min(a, list.length)
  if (insert) list.insert(index, [b, `item ${b}`, [a]])
  else list.delete(index, Math.min(b, list.length - index))
}

function editText(text: Y.Text, action: number, a: number, b: number): void {
  const index = Math.min(a, text.length)
  if (action === 10) text.insert(index, 'ab😀'.slice(0, 1 + (b % 4)))
  else if (action === 11) text.delete(index, Math.min(b, text.length - index))
  else text.format(index, Math.min(b, text.length - index), { bold: b % 2 === 0 ? true : null })
}
