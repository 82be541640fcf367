// A shopping cart in a session, twice: counted in place, and as one entry for each addition. Both work as long as one
// peer at a time changes the cart. Which of them survives a partition is what cart.test.ts asks the simulator.
import type * as Y from 'yjs'

/** Reads the count, adds one, writes it back. Of two peers that do so at once, one is forgotten. */
export function addInPlace(doc: Y.Doc, item: string): void {
  const cart = doc.getMap<number>('cart')
  cart.set(item, (cart.get(item) ?? 0) + 1)
}

/** Writes each addition under a key of its own: two at once are two. */
export function addEntry(doc: Y.Doc, item: string, id: string): void {
  doc.getMap<string>('additions').set(id, item)
}

export function countInPlace(doc: Y.Doc, item: string): number {
  return doc.getMap<number>('cart').get(item) ?? 0
}

export function countEntries(doc: Y.Doc, item: string): number {
  return [...doc.getMap<string>('additions').values()].filter((added) => added === item).length
}
