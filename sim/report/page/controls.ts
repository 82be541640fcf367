// Pointer and keyboard on the tracks: drag to move, wheel to zoom, keys for both, and stepping through events.
import type { Scale } from './scale.ts'
import type { Hint, Track } from './track.ts'
import type { View } from './view.ts'

const ZOOM_STEP = 1.5
const PAN_STEP = 0.2
/** A press that moved less than this is a click. */
const CLICK_PIXELS = 4

export interface ControlOptions {
  readonly view: View
  readonly root: HTMLElement
  readonly tracks: readonly Track[]
  readonly hint: (hint: Hint | undefined, x: number, y: number) => void
  /** Goes to the next or the previous event. */
  readonly step: (by: 1 | -1) => void
}

export function control(options: ControlOptions): void {
  for (const track of options.tracks) pointer(track, options)
  options.root.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return
    const action = keys(options)[event.key]
    if (action === undefined) return
    action()
    event.preventDefault()
  })
}

function keys({ view, step, hint }: ControlOptions): Readonly<Record<string, () => void>> {
  return {
    ArrowLeft: () => view.pan(-PAN_STEP),
    ArrowRight: () => view.pan(PAN_STEP),
    '+': () => view.zoom(1 / ZOOM_STEP),
    '=': () => view.zoom(1 / ZOOM_STEP),
    '-': () => view.zoom(ZOOM_STEP),
    ArrowUp: () => view.zoom(1 / ZOOM_STEP),
    ArrowDown: () => view.zoom(ZOOM_STEP),
    '0': () => view.all(),
    Home: () => view.show(0, view.span),
    End: () => view.show(view.end - view.span, view.end),
    n: () => step(1),
    p: () => step(-1),
    Escape: () => hint(undefined, 0, 0),
  }
}

function pointer(track: Track, { view, hint }: ControlOptions): void {
  const { element } = track
  let press: { readonly x: number; readonly scale: Scale; from: number; moved: boolean } | undefined

  element.addEventListener('pointerdown', (event) => {
    if (event.button !== 0) return
    press = { x: event.offsetX, scale: track.scale, from: view.from, moved: false }
    element.setPointerCapture(event.pointerId)
  })
  element.addEventListener('pointermove', (event) => {
    if (press !== undefined) {
      const by = event.offsetX - press.x
      press.moved ||= Math.abs(by) > CLICK_PIXELS
      if (press.moved) {
        const { scale, from } = press
        view.pan((from - (by / scale.width) * view.span - view.from) / view.span)
        hint(undefined, 0, 0)
        return
      }
    }
    const { scale } = track
    view.pointer = scale.isInside(event.offsetX) ? scale.time(event.offsetX) : undefined
    hint(track.hint(event.offsetX, event.offsetY, scale), event.clientX, event.clientY)
    view.changed()
  })
  element.addEventListener('pointerup', (event) => {
    const isClick = press?.moved === false
    press = undefined
    if (isClick) track.hint(event.offsetX, event.offsetY, track.scale)?.open?.()
  })
  element.addEventListener('pointerleave', () => {
    view.pointer = undefined
    view.lane = undefined
    hint(undefined, 0, 0)
    view.changed()
  })
  element.addEventListener(
    'wheel',
    (event) => {
      // A plain vertical wheel scrolls the page, as everywhere; with ctrl (and on pinching) it zooms.
      if (event.ctrlKey || event.metaKey) view.zoom(1.002 ** event.deltaY, track.scale.time(event.offsetX))
      else if (Math.abs(event.deltaX) > Math.abs(event.deltaY) || event.shiftKey) {
        view.pan((event.shiftKey ? event.deltaY : event.deltaX) / track.scale.width)
      } else return
      event.preventDefault()
    },
    { passive: false },
  )
  element.addEventListener('dblclick', (event) => view.zoom(1 / 3, track.scale.time(event.offsetX)))
}
