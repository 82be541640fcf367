// How much left each peer when, at every zoom: counts in bins, halved in number again and again, so that a drawing adds
// up a few bins per pixel however long the stretch.
import { FLIGHT_CLASSES } from './data.ts'

/** Rows: one for each class of what arrived, then one for each class of what was lost. */
export const LOST_ROWS = FLIGHT_CLASSES.length
const ROWS = 2 * FLIGHT_CLASSES.length

interface Level {
  readonly binMicros: number
  readonly bins: number
  readonly counts: Uint32Array
}

export class Density {
  readonly #levels: readonly Level[]
  readonly #lanes: number

  constructor(counts: ArrayLike<number>, lanes: number, binMicros: number) {
    this.#lanes = lanes
    const bins = counts.length / (ROWS * Math.max(1, lanes))
    const levels: Level[] = [{ binMicros, bins, counts: Uint32Array.from(counts) }]
    for (let level = levels[0]; level !== undefined && level.bins > 64; level = levels.at(-1))
      levels.push(halved(level))
    this.#levels = levels
  }

  /** The coarsest level whose bins are no wider than `micros`. */
  #level(micros: number): Level | undefined {
    return this.#levels.findLast(({ binMicros }) => binMicros <= micros) ?? this.#levels[0]
  }

  binMicros(micros: number): number {
    return this.#level(micros)?.binMicros ?? micros
  }

  /** Calls `each` with what left `lane` in every bin of the level for `micros` between `from` and `to`, if it is not 0. */
  read(row: number, lane: number, micros: number, from: number, to: number, each: (at: number, count: number) => void) {
    const level = this.#level(micros)
    if (level === undefined) return
    const { binMicros, bins, counts } = level
    const start = (row * this.#lanes + lane) * bins
    const last = Math.min(bins - 1, Math.floor(to / binMicros))
    for (let bin = Math.max(0, Math.floor(from / binMicros)); bin <= last; bin++) {
      const count = counts[start + bin] ?? 0
      if (count > 0) each(bin * binMicros, count)
    }
  }

  /** By bin in sight: what left `lane`, for each of `rows`. */
  stacks(
    rows: readonly number[],
    lane: number,
    micros: number,
    { from, to }: { readonly from: number; readonly to: number },
  ) {
    const stacks = new Map<number, number[]>()
    for (const [index, row] of rows.entries()) {
      this.read(row, lane, micros, from, to, (at, count) => {
        const stack = stacks.get(at) ?? rows.map(() => 0)
        stacks.set(at, stack)
        stack[index] = count
      })
    }
    return stacks
  }

  /** The 98th percentile of what left any lane in one bin that was not empty, over `rows`: what a full bar means. */
  peak(rows: readonly number[], micros: number): number {
    const level = this.#level(micros)
    if (level === undefined) return 1
    const sums = new Uint32Array(this.#lanes * level.bins)
    for (const row of rows) {
      const start = row * sums.length
      for (let i = 0; i < sums.length; i++) sums[i] = (sums[i] ?? 0) + (level.counts[start + i] ?? 0)
    }
    const busy = sums.filter((sum) => sum > 0).toSorted()
    return busy[Math.floor(busy.length * 0.98)] ?? 1
  }
}

function halved({ binMicros, bins, counts }: Level): Level {
  const half = Math.ceil(bins / 2)
  const rows = counts.length / bins
  const halves = new Uint32Array(rows * half)
  for (let row = 0; row < rows; row++) {
    for (let bin = 0; bin < bins; bin++) {
      const target = row * half + (bin >> 1)
      halves[target] = (halves[target] ?? 0) + (counts[row * bins + bin] ?? 0)
    }
  }
  return { binMicros: binMicros * 2, bins: half, counts: halves }
}
