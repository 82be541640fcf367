// The box that says what is under the pointer.
import { make } from './dom.ts'
import type { Hint } from './track.ts'

const DISTANCE = 14

export class Tooltip {
  readonly element = make('div', { class: 'tooltip', role: 'tooltip', hidden: '' })

  show(hint: Hint | undefined, x: number, y: number): void {
    const { element } = this
    element.hidden = hint === undefined
    if (hint === undefined) return
    const lines = hint.lines.map((line) => make('div', {}, line))
    const opens = hint.open === undefined ? [] : [make('div', { class: 'quiet' }, 'click to look closer')]
    element.replaceChildren(make('strong', {}, hint.title), ...lines, ...opens)
    const { width, height } = element.getBoundingClientRect()
    const left = x + DISTANCE + width > innerWidth ? x - DISTANCE - width : x + DISTANCE
    const top = y + DISTANCE + height > innerHeight ? y - DISTANCE - height : y + DISTANCE
    element.style.transform = `translate(${Math.max(4, left)}px, ${Math.max(4, top)}px)`
  }
}
