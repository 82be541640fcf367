// The order of recovery: what is asked for first, then stage by stage. A stage takes its turn once its delay is over and
// the stages before it are through.
import { SessionMeshError } from '../../crdt/errors.ts'
import type { Priority } from '../api.ts'
import type { Entry } from '../sessions/entry.ts'
import type { RecoveryStage, StageProgress } from './api.ts'

const PRIORITIES: readonly Priority[] = ['critical', 'high', 'normal', 'low']

interface Stage extends RecoveryStage {
  queue: Entry[]
  next: number
  total: number
  done: number
  /** Monotonic ms. */
  begunAt: number | undefined
  endedAt: number | undefined
}

export class RecoveryPlan {
  readonly #startedAt: number
  readonly #stages: readonly Stage[]
  readonly #stageOf = new Map<Priority, Stage>()
  readonly #urgent: Entry[] = []
  /** Taken out of turn, so that it is not taken again in turn. */
  readonly #taken = new Set<Entry>()
  readonly #underWay = new Set<Entry>()

  /** @throws INVALID_ARGUMENT */
  constructor(stages: readonly RecoveryStage[], entries: Iterable<Entry>, now: number) {
    this.#startedAt = now
    this.#stages = complete(stages).map(emptyStage)
    for (const stage of this.#stages) this.#stageOf.set(stage.priority, stage)
    for (const entry of entries) this.#stageOf.get(entry.priority)?.queue.push(entry)
    for (const stage of this.#stages) stage.total = stage.queue.length
  }

  /** The next to recover; how many ms to wait for one; or undefined: all are taken. */
  next(now: number): Entry | number | undefined {
    for (let entry = this.#urgent.shift(); entry !== undefined; entry = this.#urgent.shift()) {
      if (!this.#take(entry, now)) continue
      this.#taken.add(entry)
      return entry
    }
    for (const stage of this.#stages) {
      if (stage.next >= stage.queue.length) continue
      const waitMs = this.#startedAt + stage.delay - now
      if (waitMs > 0) return waitMs
      while (stage.next < stage.queue.length) {
        const entry = stage.queue[stage.next++]
        if (entry !== undefined && this.#take(entry, now)) return entry
      }
    }
    return undefined
  }

  done(entry: Entry, now: number): void {
    this.#underWay.delete(entry)
    const stage = this.#stageFor(entry)
    if (stage === undefined) return
    stage.done++
    if (stage.done < stage.total) return
    stage.endedAt = now
    stage.queue = []
    stage.next = 0
  }

  /** Whether it was still to come. */
  prioritize(entry: Entry): boolean {
    if (this.#underWay.has(entry) || this.#taken.has(entry) || !entry.recovering) return false
    this.#urgent.push(entry)
    return true
  }

  progress(now: number): StageProgress[] {
    return this.#stages.map((stage) => {
      const { priority, delay, done, total, begunAt, endedAt } = stage
      const state = done >= total ? 'done' : begunAt === undefined ? 'waiting' : 'running'
      const rate = begunAt === undefined ? 0 : rateOf(done, (endedAt ?? now) - begunAt)
      return { priority, delay, state, done, total, rate, etaMs: etaOf(total - done, rate) }
    })
  }

  #take(entry: Entry, now: number): boolean {
    if (this.#taken.has(entry) || this.#underWay.has(entry)) return false
    this.#underWay.add(entry)
    const stage = this.#stageFor(entry)
    if (stage !== undefined) stage.begunAt ??= now
    return true
  }

  /** If its priority has changed since it was queued, it counts where it is now. */
  #stageFor(entry: Entry): Stage | undefined {
    return this.#stageOf.get(entry.priority)
  }
}

/** Sessions a second, one digit after the point. */
export function rateOf(done: number, elapsedMs: number): number {
  return elapsedMs <= 0 ? 0 : Math.round((done * 10_000) / elapsedMs) / 10
}

export function etaOf(left: number, rate: number): number | null {
  if (left <= 0) return 0
  return rate > 0 ? Math.round((left * 1_000) / rate) : null
}

/** @throws INVALID_ARGUMENT */
function complete(stages: readonly RecoveryStage[]): RecoveryStage[] {
  const named = stages.map(({ priority }) => priority)
  const twice = named.find((priority, index) => named.indexOf(priority) !== index)
  if (twice !== undefined) throw new SessionMeshError('INVALID_ARGUMENT', `stages: ${twice} comes twice`)
  const bad = stages.find(({ delay }) => !(delay >= 0))
  if (bad !== undefined)
    throw new SessionMeshError('INVALID_ARGUMENT', `stages: delay ${bad.delay}: expected 0 or more`)
  const rest = PRIORITIES.filter((priority) => !named.includes(priority))
  const delay = Math.max(0, ...stages.map((stage) => stage.delay))
  return [...stages, ...rest.map((priority) => ({ priority, delay }))]
}

function emptyStage({ priority, delay }: RecoveryStage): Stage {
  return { priority, delay, queue: [], next: 0, total: 0, done: 0, begunAt: undefined, endedAt: undefined }
}
