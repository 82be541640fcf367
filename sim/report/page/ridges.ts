// The density of messages as a ridge on the lane that they left: what arrived stacked above it, what was lost below.
import { FLIGHT_CLASSES } from './data.ts'
import { LOST_ROWS } from './density.ts'
import type { Drawing, Layer } from './flights.ts'
import type { Model } from './model.ts'
import { Pixels } from './pixels.ts'

/** Pixels of one bar. */
const BAR = 3
/** Lanes lower than this have room for one side only. */
const TWO_SIDES_HEIGHT = 24

interface Ridge {
  /** Rows of the density that are stacked in it. */
  readonly rows: readonly number[]
  readonly up: 1 | -1
  readonly room: number
}

export class Ridges {
  readonly #model: Model
  readonly #pixels = new Pixels()
  readonly #peaks = new Map<string, number>()

  constructor(model: Model) {
    this.#model = model
  }

  /** @param isRidge whether the layer is shown, and not as lines */
  draw(drawing: Drawing, isRidge: (layer: Layer) => boolean, isShown: (layer: Layer) => boolean): void {
    const arrived = FLIGHT_CLASSES.flatMap((kind, row) => (isRidge(kind) ? [row] : []))
    const lost = FLIGHT_CLASSES.flatMap((kind, row) => (isRidge('lost') && isShown(kind) ? [LOST_ROWS + row] : []))
    const { height } = drawing.layout
    const ridges: Ridge[] =
      height < TWO_SIDES_HEIGHT
        ? [{ rows: [...arrived, ...lost], up: -1, room: height * 0.8 }]
        : [
            { rows: arrived, up: -1, room: height * 0.44 },
            { rows: lost, up: 1, room: height * 0.44 },
          ]
    this.#pixels.begin(drawing.surface)
    for (const ridge of ridges) if (ridge.rows.length > 0) this.#drawRidge(drawing, ridge)
    this.#pixels.end(drawing.surface)
  }

  #drawRidge({ scale, palette, layout }: Drawing, { rows, up, room }: Ridge): void {
    const { density, lanes } = this.#model
    const micros = ((scale.to - scale.from) / scale.width) * BAR
    const bin = density.binMicros(micros)
    const peak = this.#peak(rows, bin)
    const colours = rows.map((row) => palette[FLIGHT_CLASSES[row] ?? 'lost'])
    for (let lane = 0; lane < lanes; lane++) {
      for (const [at, counts] of density.stacks(rows, lane, micros, scale)) {
        const total = counts.reduce((sum, count) => sum + count, 0)
        // The root lets a single message be seen beside a burst of hundreds.
        const height = Math.min(1, Math.sqrt(total / peak)) * room
        const left = Math.max(scale.left, scale.x(at))
        const right = Math.min(scale.right, scale.x(at + bin))
        let y = layout.y(lane) + up * 2
        for (const [index, count] of counts.entries()) {
          if (count === 0 || right <= left) continue
          const end = y + (up * count * height) / total
          this.#pixels.bar(left, Math.min(y, end), right, Math.max(y, end), colours[index] ?? '')
          y = end
        }
      }
    }
  }

  #peak(rows: readonly number[], bin: number): number {
    const key = `${rows.join()}/${bin}`
    const known = this.#peaks.get(key) ?? this.#model.density.peak(rows, bin)
    this.#peaks.set(key, known)
    return known
  }
}
