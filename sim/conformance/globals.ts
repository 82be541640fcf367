// Tier B's stand-in for fake timers. libp2p reads clocks, sets timers and throws dice by the globals of the process; here
// those globals belong to whichever simulated process is running, and lead to its virtual clock and its own dice. So a
// frozen process keeps its timers back, a killed one loses them, and a clock that drifts does so for libp2p too.
//
// Must be installed before libp2p is imported (preload.ts): much of it takes its globals along at import.
import { AsyncLocalStorage } from 'node:async_hooks'
import { webcrypto } from 'node:crypto'
import type { Cancel } from '../../node/ports/clock.ts'
import { Dice } from '../world/dice.ts'
import type { SimProcess } from '../world/process.ts'

/** What code outside any simulated process sees: the moment at which every simulated world begins. */
const UNOWNED_NOW_MS = Date.UTC(2030, 0, 1)
/** Node's shortest timer. */
const TIMER_MIN_MS = 1

interface Owner {
  readonly process: SimProcess
  dice: Dice
}

const owner = new AsyncLocalStorage<Owner>()
const owners = new WeakMap<SimProcess, Owner>()
const unownedDice = new Dice('unowned')
let isRunning = false

/** The real clock, for who measures how long a run takes. */
export const realMonotonic = performance.now.bind(performance)

/** Runs code of a simulated process: the globals are its own meanwhile, and in all that this code goes on to do. */
export function inside<T>(process: SimProcess, code: () => T): T {
  return owner.run(ownerFor(process), code)
}

/** Gives a process dice of its own. */
export function giveDice(process: SimProcess, dice: Dice): void {
  ownerFor(process).dice = dice
}

function ownerFor(process: SimProcess): Owner {
  const known = owners.get(process) ?? { process, dice: unownedDice }
  owners.set(process, known)
  return known
}

/** For the time of a run a timer that no simulated process sets is a mistake: nobody would ever fire it. */
export function around<T>(run: () => T): T {
  if (!isInstalled) throw new Error('conformance runs need the preload: node --import sim/conformance/preload.ts')
  isRunning = true
  try {
    return run()
  } finally {
    isRunning = false
  }
}

let isInstalled = false

export function install(): void {
  if (isInstalled) return
  isInstalled = true
  installClocks()
  installTimers()
  installChance()
}

function installClocks(): void {
  const now = () => Math.floor(owner.getStore()?.process.clock.now() ?? UNOWNED_NOW_MS)
  set(Date, 'now', now)
  const construct = (target: DateConstructor, parts: unknown[], newTarget: new () => Date): Date =>
    Reflect.construct(target, parts.length === 0 ? [now()] : parts, newTarget) as Date
  set(globalThis, 'Date', new Proxy(Date, { construct }))
  set(performance, 'now', () => owner.getStore()?.process.clock.monotonic() ?? 0)
}

function installTimers(): void {
  const before = { setTimeout, setInterval, setImmediate, clearTimeout, clearInterval, clearImmediate }
  type Callback = (...args: unknown[]) => void
  const timers = (name: 'setTimeout' | 'setInterval', repeats: boolean) => {
    return (callback: Callback, delayMs = 0, ...args: unknown[]) => {
      const own = ownerOfTimer(name)
      if (own === undefined) return before[name](callback, delayMs, ...args)
      return new VirtualTimer(own.process, () => callback(...args), delayMs, repeats)
    }
  }
  set(globalThis, 'setTimeout', timers('setTimeout', false))
  set(globalThis, 'setInterval', timers('setInterval', true))
  set(globalThis, 'setImmediate', (callback: Callback, ...args: unknown[]) => {
    const own = ownerOfTimer('setImmediate')
    if (own === undefined) return before.setImmediate(callback, ...args)
    return new VirtualTimer(own.process, () => callback(...args), 0, false)
  })
  for (const name of ['clearTimeout', 'clearInterval', 'clearImmediate'] as const) {
    const clear = before[name] as (timer: unknown) => void
    set(globalThis, name, (timer: unknown) => (timer instanceof VirtualTimer ? timer.close() : clear(timer)))
  }
  // Node binds this one's timer at its first use, so a fake setTimeout alone would not reach it.
  set(AbortSignal, 'timeout', (delayMs: number) => {
    const controller = new AbortController()
    setTimeout(() => controller.abort(new DOMException('The operation timed out', 'TimeoutError')), delayMs)
    return controller.signal
  })
}

function installChance(): void {
  const dice = () => owner.getStore()?.dice ?? unownedDice
  set(Math, 'random', () => dice().float())
  set(webcrypto, 'getRandomValues', <T extends ArrayBufferView>(view: T): T => {
    const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength)
    bytes.set(dice().bytes(bytes.length))
    return view
  })
  set(webcrypto, 'randomUUID', () => Buffer.from(dice().bytes(16)).toString('hex'))
}

function ownerOfTimer(name: string): Owner | undefined {
  const own = owner.getStore()
  if (own === undefined && isRunning) throw new Error(`${name} was called outside every simulated process`)
  return own
}

/** Enough of Node's Timeout for those who hold one. */
class VirtualTimer {
  readonly #process: SimProcess
  readonly #callback: () => void
  readonly #delayMs: number
  readonly #repeats: boolean
  #cancel: Cancel

  constructor(process: SimProcess, callback: () => void, delayMs: number, repeats: boolean) {
    this.#process = process
    this.#callback = callback
    this.#delayMs = Math.max(TIMER_MIN_MS, Math.trunc(delayMs))
    this.#repeats = repeats
    this.#cancel = this.#set()
  }

  ref(): this {
    return this
  }

  unref(): this {
    return this
  }

  hasRef(): boolean {
    return true
  }

  refresh(): this {
    this.#cancel()
    this.#cancel = this.#set()
    return this
  }

  close(): void {
    this.#cancel()
  }

  [Symbol.dispose](): void {
    this.close()
  }

  #set(): Cancel {
    return this.#process.clock.setTimer(this.#delayMs, () => {
      if (this.#repeats) this.#cancel = this.#set()
      this.#callback()
    })
  }
}

function set(target: object, name: string, value: unknown): void {
  Object.defineProperty(target, name, { configurable: true, writable: true, value })
}
