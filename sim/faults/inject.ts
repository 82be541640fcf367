// Turns the faults of a plan into what happens to the world, and takes back what must be taken back for the liveness
// phase. Each fault draws from dice of its own, so that leaving one out changes nothing for the others.
import type { Fault } from '../plan/fault.ts'
import { SECOND } from '../world/loop.ts'
import type { Machine } from '../world/machine.ts'
import { micros } from '../world/process.ts'
import type { World } from '../world/world.ts'

/** Something to be undone when the fault, or the chaos, ends. Undoing twice does nothing. */
type Undo = () => void

export class Injector {
  readonly #world: World
  /** What lasts now, with the machines that it is about. */
  readonly #lasting = new Set<{ readonly undo: Undo; readonly machines: readonly string[] }>()
  /** Faults that have begun, by kind: a run in which none did has shown nothing. */
  readonly fired = new Map<string, number>()
  /** Machines whose process is meant to be down now, and until when a start by another fault must wait. */
  readonly #down = new Map<string, number>()
  #isOver = false

  constructor(world: World) {
    this.#world = world
  }

  plan(faults: readonly Fault[]): void {
    for (const [index, fault] of faults.entries()) {
      this.#world.loop.schedule(micros(fault.at), () => {
        if (this.#isOver) return
        this.#world.trace.add(this.#world.now, '', 'fault', fault.kind, describe(fault))
        this.fired.set(fault.kind, (this.fired.get(fault.kind) ?? 0) + 1)
        this.#begin(fault, index)
      })
    }
  }

  /** Ends the chaos: whatever lasts among the machines of the core is healed, and those that are down start again. */
  heal(core: readonly string[]): void {
    this.#isOver = true
    for (const lasting of this.#lasting) {
      if (lasting.machines.every((machine) => core.includes(machine))) this.#end(lasting)
    }
    // Links between the core are opened whatever blocked them: a partition may have been about others too.
    for (const from of core) for (const to of core) this.#open(from, to)
    for (const name of core) {
      const machine = this.#world.machine(name)
      machine.thaw()
      machine.start()
    }
  }

  #begin(fault: Fault, index: number): void {
    const { machines } = this.#world
    switch (fault.kind) {
      case 'partition':
        return this.#lasts(fault, fault.groups.flat(), this.#blockAll(severed([...machines.keys()], fault.groups)))
      case 'block':
        return this.#lasts(fault, [...fault.from, ...fault.to], this.#blockAll(pairs(fault.from, fault.to)))
      case 'flap':
        return this.#flap(fault)
      case 'swizzle':
        return this.#swizzle(fault, index)
      case 'clog':
        this.#world.network.link(fault.from, fault.to).cloggedUntil = this.#world.now + micros(fault.forMs)
        return
      case 'degrade':
        return this.#lasts(fault, fault.machines, this.#degrade(fault))
      case 'reset':
        return this.#world.network.reset(...fault.between)
      case 'crash':
        for (const name of fault.machines) this.#takeDown(name, fault.forMs, (machine) => crash(machine, fault.wipe))
        return
      case 'restart':
        for (const name of fault.machines) this.#takeDown(name, fault.forMs, (machine) => machine.stop())
        return
      case 'join':
        return this.#world.machine(fault.machine).start()
      default:
        return this.#beginOnMachine(fault, this.#world.machine(fault.machine))
    }
  }

  #beginOnMachine(fault: Extract<Fault, { machine: string }>, machine: Machine): void {
    switch (fault.kind) {
      case 'freeze':
        machine.freeze()
        return this.#lasts(fault, [fault.machine], () => machine.thaw())
      case 'slow':
        machine.slowDown(micros(fault.byMs))
        return this.#lasts(fault, [fault.machine], () => machine.slowDown(0))
      case 'slow-disk':
        machine.disk.slowness = fault.factor
        return this.#lasts(fault, [fault.machine], () => {
          machine.disk.slowness = 1
        })
      case 'full-disk':
        machine.disk.isFull = true
        return this.#lasts(fault, [fault.machine], () => {
          machine.disk.isFull = false
        })
      case 'read-errors':
        machine.disk.failsReads = true
        return this.#lasts(fault, [fault.machine], () => {
          machine.disk.failsReads = false
        })
      case 'rot':
        this.#world.trace.add(this.#world.now, fault.machine, 'disk', machine.disk.rot() ?? '', 'rot')
        return
      case 'clock-jump':
        return machine.drift.jump(micros(fault.byMs))
      case 'clock-drift':
        return machine.drift.drift(fault.partsPerMillion)
      case 'swizzle':
      case 'join':
        throw new Error(`${fault.kind} is not about one machine's inside`)
    }
  }

  #takeDown(name: string, forMs: number, down: (machine: Machine) => void): void {
    const machine = this.#world.machine(name)
    const until = this.#world.now + micros(forMs)
    this.#down.set(name, Math.max(until, this.#down.get(name) ?? 0))
    down(machine)
    this.#world.loop.schedule(until, () => {
      if (this.#isOver || (this.#down.get(name) ?? 0) > this.#world.now) return
      machine.start()
    })
  }

  #lasts(fault: { readonly forMs: number }, machines: readonly string[], undo: Undo): void {
    const lasting = { undo, machines }
    this.#lasting.add(lasting)
    this.#world.loop.schedule(this.#world.now + micros(fault.forMs), () => {
      if (!this.#isOver) this.#end(lasting)
    })
  }

  #end(lasting: { readonly undo: Undo; readonly machines: readonly string[] }): void {
    if (this.#lasting.delete(lasting)) lasting.undo()
  }

  #blockAll(links: readonly (readonly [string, string])[]): Undo {
    const { network } = this.#world
    for (const [from, to] of links) network.block(from, to)
    return once(() => {
      for (const [from, to] of links) if (network.link(from, to).blocks > 0) network.unblock(from, to)
    })
  }

  #open(from: string, to: string): void {
    if (from === to) return
    const link = this.#world.network.link(from, to)
    while (link.blocks > 0) this.#world.network.unblock(from, to)
    link.cloggedUntil = 0
  }

  #flap(fault: Extract<Fault, { kind: 'flap' }>): void {
    const links = severed([...this.#world.machines.keys()], fault.groups)
    const end = this.#world.now + micros(fault.forMs)
    let undo: Undo = () => {}
    const turn = (isBlocked: boolean) => {
      if (this.#isOver || this.#world.now >= end) return
      undo()
      undo = isBlocked ? this.#blockAll(links) : () => {}
      this.#world.loop.schedule(this.#world.now + micros(fault.everyMs), () => turn(!isBlocked))
    }
    turn(true)
    this.#lasts(fault, fault.groups.flat(), () => undo())
  }

  #swizzle(fault: Extract<Fault, { kind: 'swizzle' }>, index: number): void {
    const dice = this.#world.dice.fork(`fault/swizzle/${fault.machine}/${index}`)
    const others = [...this.#world.machines.keys()].filter((name) => name !== fault.machine)
    const half = micros(fault.forMs) / 2
    const order = dice.shuffle(others)
    const back = dice.shuffle(others)
    for (const [step, other] of order.entries()) {
      const stop = this.#world.now + dice.below(Math.max(1, half))
      this.#world.loop.schedule(stop, () => {
        if (this.#isOver) return
        const left = this.#world.now + half + dice.below(SECOND) + back.indexOf(other) * step
        const undo = this.#blockAll(pairs([fault.machine], [other]).concat(pairs([other], [fault.machine])))
        this.#lasts({ forMs: (left - this.#world.now) / 1_000 }, [fault.machine, other], undo)
      })
    }
  }

  #degrade(fault: Extract<Fault, { kind: 'degrade' }>): Undo {
    const links = pairs(fault.machines, fault.machines).map(([from, to]) => this.#world.network.link(from, to))
    const before = links.map(({ quality }) => quality)
    for (const link of links) {
      const { lossPerMillion, duplicatePerMillion, bytesPerMs } = fault
      const { latencyMin } = link.quality
      link.quality = {
        latencyMin,
        latencyMean: micros(fault.latencyMs),
        lossPerMillion,
        duplicatePerMillion,
        bytesPerMs,
      }
    }
    return once(() => {
      for (const [index, link] of links.entries()) link.quality = before[index] ?? link.quality
    })
  }
}

function crash(machine: Machine, wipe: boolean): void {
  machine.crash()
  if (wipe) machine.disk.wipe()
}

/** Ordered pairs of machines that share no group. A machine in no group is in one of its own. */
function severed(all: readonly string[], groups: readonly (readonly string[])[]): [string, string][] {
  const together = (one: string, other: string) => groups.some((group) => group.includes(one) && group.includes(other))
  return pairs(all, all).filter(([from, to]) => !together(from, to))
}

function pairs(from: readonly string[], to: readonly string[]): [string, string][] {
  return from.flatMap((one) => to.filter((other) => other !== one).map((other): [string, string] => [one, other]))
}

function once(undo: Undo): Undo {
  let isDone = false
  return () => {
    if (isDone) return
    isDone = true
    undo()
  }
}

/** One line for people and traces. */
function describe({ kind, ...rest }: Fault): string {
  return `${kind} ${JSON.stringify(rest)}`
}
