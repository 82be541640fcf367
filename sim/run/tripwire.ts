// Inside a run nothing may read a real clock, set a real timer or throw real dice. The lint walls say so; this makes
// sure: for the time of the run those globals throw, with the stack of whoever called them.

interface Wire {
  readonly owner: object
  readonly name: string
}

const WIRES: readonly Wire[] = [
  { owner: Date, name: 'now' },
  { owner: Math, name: 'random' },
  { owner: performance, name: 'now' },
  { owner: globalThis, name: 'setTimeout' },
  { owner: globalThis, name: 'setInterval' },
  { owner: globalThis, name: 'setImmediate' },
  { owner: globalThis, name: 'fetch' },
  { owner: globalThis.crypto, name: 'randomUUID' },
  { owner: globalThis.crypto, name: 'getRandomValues' },
  { owner: globalThis.crypto.subtle, name: 'digest' },
  { owner: AbortSignal, name: 'timeout' },
  { owner: process, name: 'hrtime' },
  { owner: process, name: 'uptime' },
]

/** Runs `body` with the wires up; they are down again when it returns or throws. */
export function withTripwire<T>(body: () => T): T {
  const undo = WIRES.map(({ owner, name }) => {
    const before = Object.getOwnPropertyDescriptor(owner, name)
    Object.defineProperty(owner, name, { configurable: true, writable: true, value: trip(name) })
    return () => {
      if (before === undefined) Reflect.deleteProperty(owner, name)
      else Object.defineProperty(owner, name, before)
    }
  })
  try {
    return body()
  } finally {
    for (const restore of undo) restore()
  }
}

function trip(name: string): () => never {
  return () => {
    throw new Error(`${name} was called inside a simulated run: use the Clock or the Random port`)
  }
}
