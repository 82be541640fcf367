// A track: one drawing over the common stretch of time, with a name beside it.
import { make } from './dom.ts'
import type { Palette } from './palette.ts'
import { Scale } from './scale.ts'
import { Surface } from './surface.ts'
import type { View } from './view.ts'

/** What is under the pointer: a heading, lines of detail, and what a click does. */
export interface Hint {
  readonly title: string
  readonly lines: readonly string[]
  readonly open?: () => void
}

export interface TrackOptions {
  readonly name: string
  /** What the drawing shows, for who can't see it. */
  readonly description: string
}

export abstract class Track {
  readonly element: HTMLElement
  protected readonly surface: Surface
  protected readonly view: View

  constructor(view: View, { name, description }: TrackOptions) {
    const canvas = make('canvas', { role: 'img', 'aria-label': `${name}. ${description}` })
    this.view = view
    this.surface = new Surface(canvas)
    this.element = make('div', { class: 'track' }, canvas)
  }

  /** Height in CSS pixels at the present zoom. */
  abstract height(): number
  protected abstract paint(scale: Scale, palette: Palette): void
  abstract hint(x: number, y: number, scale: Scale): Hint | undefined

  get scale(): Scale {
    return new Scale(this.view, this.surface.width || this.surface.canvas.clientWidth)
  }

  draw(palette: Palette): void {
    this.surface.begin(this.height())
    const scale = this.scale
    this.#grid(scale, palette)
    this.paint(scale, palette)
    this.#pointer(scale, palette)
  }

  /** Everything but the names is drawn inside of the track, or at most `edge` beyond it. */
  protected clip(scale: Scale, paint: () => void, edge = 0): void {
    const { context } = this.surface
    context.save()
    context.beginPath()
    context.rect(scale.left - edge, 0, scale.width + 2 * edge, this.surface.height)
    context.clip()
    paint()
    context.restore()
  }

  #grid(scale: Scale, palette: Palette): void {
    const { context, height } = this.surface
    context.strokeStyle = palette.grid
    context.lineWidth = 1
    context.beginPath()
    for (const { at } of scale.ticks()) {
      const x = Math.round(scale.x(at)) + 0.5
      context.moveTo(x, 0)
      context.lineTo(x, height)
    }
    context.stroke()
  }

  #pointer(scale: Scale, palette: Palette): void {
    const { pointer } = this.view
    if (pointer === undefined) return
    const x = scale.x(pointer)
    if (!scale.isInside(x)) return
    const { context, height } = this.surface
    context.strokeStyle = palette.muted
    context.lineWidth = 1
    context.setLineDash([2, 3])
    context.beginPath()
    context.moveTo(x, 0)
    context.lineTo(x, height)
    context.stroke()
    context.setLineDash([])
  }
}
