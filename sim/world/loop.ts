// Virtual time: tasks by the microsecond at which they are due, those of one microsecond in the order they were asked
// for. After each task every promise that it settled is followed to its end before the next task runs, so a run is one
// synchronous call: no timer, no socket and no other code of the process can come in between.

/** Whole microseconds since the start of the world. */
export type Micros = number
export const MS = 1_000
export const SECOND = 1_000_000

export interface Task {
  readonly at: Micros
  readonly order: number
  /** Undefined once cancelled or run. */
  run: (() => void) | undefined
}

export class Loop {
  #now: Micros = 0
  #order = 0
  #ran = 0
  /** A binary heap, the next task first. */
  readonly #heap: Task[] = []

  get now(): Micros {
    return this.#now
  }

  /** Tasks run so far. */
  get ran(): number {
    return this.#ran
  }

  /** Runs `run` at `at`, or now if that has passed, after everything asked for earlier. */
  schedule(at: Micros, run: () => void): Task {
    const task: Task = { at: Math.max(Math.floor(at), this.#now), order: this.#order++, run }
    this.#push(task)
    return task
  }

  cancel(task: Task): void {
    task.run = undefined
  }

  /**
   * Runs what is due up to and with `until`; time is `until` afterwards. Stops early when `stop` says so after a task.
   * Must be called from a macrotask: promises can't be followed while others are being followed.
   */
  runUntil(until: Micros, stop: () => boolean = () => false): void {
    drain()
    for (let task = this.#heap[0]; task !== undefined && task.at <= until; task = this.#heap[0]) {
      this.#pop()
      if (task.run === undefined) continue
      this.#now = task.at
      const run = task.run
      task.run = undefined
      this.#ran++
      run()
      drain()
      if (stop()) return
    }
    this.#now = Math.max(this.#now, until)
  }

  #push(task: Task): void {
    const heap = this.#heap
    let index = heap.length
    heap.push(task)
    while (index > 0) {
      const above = (index - 1) >> 1
      const parent = heap[above]
      if (parent === undefined || !isBefore(task, parent)) break
      heap[index] = parent
      index = above
    }
    heap[index] = task
  }

  #pop(): void {
    const heap = this.#heap
    const last = heap.pop()
    if (last === undefined || heap.length === 0) return
    let index = 0
    for (;;) {
      let below = 2 * index + 1
      let child = heap[below]
      const right = heap[below + 1]
      if (child !== undefined && right !== undefined && isBefore(right, child)) {
        child = right
        below++
      }
      if (child === undefined || !isBefore(child, last)) break
      heap[index] = child
      index = below
    }
    heap[index] = last
  }
}

function isBefore(one: Task, other: Task): boolean {
  return one.at < other.at || (one.at === other.at && one.order < other.order)
}

/**
 * Follows every settled promise, and what follows from it, to the end. Node has no public call for this; the one below
 * is what its own timers call between two callbacks (35 ns when there is nothing to do). `assertDrains` notices if a
 * version of Node takes it away.
 */
const { _tickCallback: drain } = process as unknown as { readonly _tickCallback: () => void }

/** @throws Error if promises can't be followed from here */
export function assertDrains(): void {
  let isFollowed = false
  void Promise.resolve().then(() => {
    isFollowed = true
  })
  drain()
  if (!isFollowed)
    throw new Error('the simulator must be started from a macrotask, on a Node.js that can drain promises')
}
