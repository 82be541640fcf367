// Turns the faults of a plan into what happens to the world, and takes back what must be taken back for the liveness
// phase. Each fault draws from dice of its own, so that leaving one out changes nothing for the others.
import type { Fault } from '../plan/fault.ts'
import type { Dice } from '../world/dice.ts'
import { SECOND } from '../world/loop.ts'
import type { Machine } from '../world/machine.ts'
import { micros } from '../world/process.ts'
import type { World } from '../world/world.ts'
import { Backups } from './backups.ts'
import { Handovers } from './handovers.ts'
import { pairs, severed, type Link } from './links.ts'

const CUT_PER_MILLION = 300_000

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
  /** Machines that have left for good. */
  readonly #gone = new Set<string>()
  /** Listeners to requests between two machines, while those are cut. */
  readonly #onRequest = new Set<(from: string, to: string) => void>()
  readonly #backups: Backups
  readonly #handovers: Handovers
  #isOver = false

  constructor(world: World) {
    this.#world = world
    this.#backups = new Backups(world)
    this.#handovers = new Handovers(world)
    world.trace.onEvent(({ kind, machine, subject }) => {
      if (kind === 'request') for (const listener of this.#onRequest) listener(machine, subject)
    })
  }

  plan(faults: readonly Fault[]): void {
    for (const fault of faults) {
      // What is so from the start must be so before any process starts.
      if (fault.at <= 0) this.#fire(fault)
      else this.#world.loop.schedule(micros(fault.at), () => this.#fire(fault))
    }
  }

  #fire(fault: Fault): void {
    if (this.#isOver) return
    this.#world.trace.add(this.#world.now, '', 'fault', fault.kind, describe(fault))
    this.fired.set(fault.kind, (this.fired.get(fault.kind) ?? 0) + 1)
    this.#begin(fault)
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
      // Who hears of rot has the store checked; a peer that starts does so by itself.
      if (machine.disk.quarantined > 0) machine.peer?.store.validateIntegrity().catch(() => {})
      machine.start()
    }
  }

  #begin(fault: Fault): void {
    const { machines } = this.#world
    switch (fault.kind) {
      case 'partition':
        return this.#lasts(fault, fault.groups.flat(), this.#blockAll(severed([...machines.keys()], fault.groups)))
      case 'block':
        return this.#lasts(fault, [...fault.from, ...fault.to], this.#blockAll(pairs(fault.from, fault.to)))
      case 'flap':
        return this.#flap(fault)
      case 'swizzle':
        return this.#swizzle(fault)
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
      case 'cut-requests':
        return this.#lasts(fault, fault.between, this.#cutRequests(fault))
      case 'hand-over': {
        const { from, to } = fault
        return this.#lasts(fault, [from], this.#handovers.handOver(this.#world.machine(from), to))
      }
      case 'join':
        return this.#start(fault.machine)
      case 'leave':
        this.#gone.add(fault.machine)
        return this.#world.machine(fault.machine).stop()
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
          this.#revive(machine)
        })
      case 'read-errors':
        machine.disk.failsReads = true
        return this.#lasts(fault, [fault.machine], () => {
          machine.disk.failsReads = false
          this.#revive(machine)
        })
      case 'rot':
        this.#world.trace.add(this.#world.now, fault.machine, 'disk', machine.disk.rot() ?? '', 'rot')
        return
      case 'snapshot':
        return this.#backups.snapshot(machine)
      case 'restore':
        return this.#backups.restore(machine, fault.back)
      case 'drain':
        return this.#lasts(fault, [fault.machine], this.#handovers.drain(machine))
      case 'clock-jump':
        return machine.drift.jump(micros(fault.byMs))
      case 'clock-drift':
        return machine.drift.drift(fault.partsPerMillion)
      case 'twin':
        return this.#lasts(fault, [fault.machine], machine.split())
      case 'swizzle':
      case 'join':
      case 'leave':
        throw new Error(`${fault.kind} is not about one machine's inside`)
    }
  }

  #takeDown(name: string, forMs: number, down: (machine: Machine) => void): void {
    const machine = this.#world.machine(name)
    const until = this.#world.now + micros(forMs)
    this.#down.set(name, Math.max(until, this.#down.get(name) ?? 0))
    down(machine)
    this.#world.loop.schedule(until, () => {
      if (!this.#isOver) this.#start(name)
    })
  }

  /** Starts a process, unless another fault wants the machine down. */
  #start(name: string): void {
    if ((this.#down.get(name) ?? 0) <= this.#world.now && !this.#gone.has(name)) this.#world.machine(name).start()
  }

  /** Somebody sees to a peer whose disk was bad: one that has ended, or takes no writes any more, is started again. */
  #revive(machine: Machine): void {
    const isIll = machine.peer?.health.detailed().checks.some(({ name, ok }) => name === 'store' && !ok) === true
    // What the disk has refused its peer may notice only when it next writes.
    if (isIll || machine.disk.hasRefused) machine.crash()
    this.#start(machine.name)
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

  #blockAll(links: readonly Link[]): Undo {
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
    // A fault that is also about machines outside the core goes on for those.
    link.quality = link.usual
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

  /** About a third of the requests between the two lose their connection on the way there or back. */
  #cutRequests(fault: Extract<Fault, { kind: 'cut-requests' }>): Undo {
    const { loop, network } = this.#world
    const dice = this.#diceOf(fault)
    const listener = (from: string, to: string) => {
      if (!fault.between.includes(from) || !fault.between.includes(to) || !dice.chance(CUT_PER_MILLION)) return
      const { latencyMin, latencyMean } = network.link(from, to).quality
      const after = dice.below(2 * (latencyMin + latencyMean) + 1)
      loop.schedule(this.#world.now + after, () => network.reset(from, to))
    }
    this.#onRequest.add(listener)
    return () => void this.#onRequest.delete(listener)
  }

  /** Dice of its own, by what the fault is and not by its place in the plan: others may be taken out of that. */
  #diceOf(fault: Fault): Dice {
    return this.#world.dice.fork(`fault/${describe(fault)}`)
  }

  #swizzle(fault: Extract<Fault, { kind: 'swizzle' }>): void {
    const dice = this.#diceOf(fault)
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
  if (wipe) machine.wipe()
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
