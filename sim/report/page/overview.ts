// The whole run in one strip: how much went between peers, faults, violations, and a window on what the tracks show,
// which can be drawn, moved and stretched.
import { FLIGHT_CLASSES } from './data.ts'
import { make } from './dom.ts'
import type { Model } from './model.ts'
import type { Palette } from './palette.ts'
import { Scale, timeLabel } from './scale.ts'
import { Surface } from './surface.ts'
import type { View } from './view.ts'

const HEIGHT = 46
const LABELS = 13
const BAR = 2
const EDGE = 7

type Grip = 'from' | 'to' | 'window' | 'new'

export class Overview {
  readonly element: HTMLElement
  readonly #surface: Surface
  readonly #model: Model
  readonly #view: View
  #grip: Grip | undefined
  /** Where the window was taken hold of: time, and the window's own begin and end then. */
  #held = { at: 0, from: 0, to: 0 }

  constructor(view: View, model: Model) {
    const canvas = make('canvas', { role: 'img', 'aria-label': 'The whole run; drag to choose what the tracks show.' })
    this.#view = view
    this.#model = model
    this.#surface = new Surface(canvas)
    this.element = make('div', { class: 'overview' }, canvas)
    canvas.addEventListener('pointerdown', (event) => this.#take(event))
    canvas.addEventListener('pointermove', (event) => this.#move(event))
    canvas.addEventListener('pointerup', () => {
      this.#grip = undefined
    })
    canvas.addEventListener('dblclick', () => view.all())
  }

  draw(palette: Palette): void {
    this.#surface.begin(HEIGHT)
    const scale = this.#scale
    this.#paintTraffic(scale, palette)
    const { context } = this.#surface
    for (const { at, until } of this.#model.facts.faults) {
      context.fillStyle = palette.fault
      context.fillRect(scale.x(at), HEIGHT - LABELS - 3, Math.max(2, scale.x(until) - scale.x(at)), 3)
    }
    for (const { at } of this.#model.facts.violations) {
      context.fillStyle = palette.violation
      context.fillRect(scale.x(at) - 1, 0, 2.5, HEIGHT - LABELS)
    }
    for (const { at, label } of scale.ticks()) {
      this.#surface.text(label, scale.x(at), HEIGHT - 5, {
        colour: palette.muted,
        size: 10,
        align: at === 0 ? 'left' : 'center',
      })
    }
    this.#surface.text('whole run', scale.left - 10, 16, { colour: palette.muted, align: 'right' })
    this.#paintWindow(scale, palette)
  }

  get #scale(): Scale {
    const width = this.#surface.width || this.#surface.canvas.clientWidth
    return new Scale({ from: 0, to: this.#view.end }, width)
  }

  /** What left all peers together, without heartbeats: they never change. */
  #paintTraffic(scale: Scale, palette: Palette): void {
    const { density, lanes } = this.#model
    const micros = (this.#view.end / scale.width) * BAR
    const sums = new Map<number, number>()
    for (let row = 0; row < FLIGHT_CLASSES.length - 1; row++) {
      for (let lane = 0; lane < lanes; lane++) {
        density.read(row, lane, micros, 0, this.#view.end, (at, count) => sums.set(at, (sums.get(at) ?? 0) + count))
      }
    }
    const sorted = [...sums.values()].toSorted((one, other) => one - other)
    const peak = sorted[Math.floor(sorted.length * 0.98)] ?? 1
    const width = Math.max(1, (density.binMicros(micros) / this.#view.end) * scale.width)
    const room = HEIGHT - LABELS - 5
    this.#surface.context.fillStyle = palette.amount
    this.#surface.context.globalAlpha = 0.55
    for (const [at, sum] of sums) {
      const height = Math.min(1, sum / peak) * room
      this.#surface.context.fillRect(scale.x(at), room - height, width, height)
    }
    this.#surface.context.globalAlpha = 1
  }

  #paintWindow(scale: Scale, palette: Palette): void {
    const { context } = this.#surface
    const [left, right] = [scale.x(this.#view.from), scale.x(this.#view.to)]
    const height = HEIGHT - LABELS
    context.fillStyle = palette.surface
    context.globalAlpha = 0.66
    context.fillRect(scale.left, 0, left - scale.left, height)
    context.fillRect(right, 0, scale.right - right, height)
    context.globalAlpha = 1
    context.strokeStyle = palette.selection
    context.lineWidth = 1.5
    context.strokeRect(left, 0.75, Math.max(2, right - left), height - 1.5)
    context.fillStyle = palette.selection
    for (const x of [left, right]) context.fillRect(x - 2, height / 2 - 7, 4, 14)
  }

  #take(event: PointerEvent): void {
    const scale = this.#scale
    const { from, to } = this.#view
    const at = scale.time(event.offsetX)
    const [left, right] = [scale.x(from), scale.x(to)]
    const isWhole = to - from >= this.#view.end
    if (Math.abs(event.offsetX - left) < EDGE && !isWhole) this.#grip = 'from'
    else if (Math.abs(event.offsetX - right) < EDGE && !isWhole) this.#grip = 'to'
    else if (event.offsetX > left && event.offsetX < right && !isWhole) this.#grip = 'window'
    else this.#grip = 'new'
    this.#held = { at, from, to }
    this.#surface.canvas.setPointerCapture(event.pointerId)
  }

  #move(event: PointerEvent): void {
    const at = this.#scale.time(event.offsetX)
    const { canvas } = this.#surface
    canvas.title = timeLabel(Math.max(0, at))
    if (this.#grip === undefined) return
    const { at: begun, from, to } = this.#held
    if (this.#grip === 'from') this.#view.show(Math.min(at, to - 1), to)
    else if (this.#grip === 'to') this.#view.show(from, Math.max(at, from + 1))
    else if (this.#grip === 'window') {
      this.#view.pan((from + at - begun - this.#view.from) / this.#view.span)
    } else if (Math.abs(at - begun) > this.#view.end / 500) {
      this.#view.show(Math.max(0, Math.min(begun, at)), Math.min(this.#view.end, Math.max(begun, at)))
    }
  }
}
