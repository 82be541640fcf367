// The time axis: round times, and the phases of the run.
import type { Model } from './model.ts'
import type { Palette } from './palette.ts'
import { timeLabel, type Scale } from './scale.ts'
import { Track, type Hint } from './track.ts'
import type { View } from './view.ts'

const HEIGHT = 36
const PHASE_Y = 9
const TICK_Y = 27

const PHASES: Readonly<Record<string, string>> = {
  chaos: 'chaos: faults happen',
  settle: 'settling: the core is healed',
  converged: 'converged: nothing may come undone',
}

export class Axis extends Track {
  readonly #model: Model

  constructor(view: View, model: Model) {
    super(view, { name: 'Time', description: 'Virtual time of the run, with its phases.' })
    this.#model = model
  }

  height(): number {
    return HEIGHT
  }

  protected paint(scale: Scale, palette: Palette): void {
    const { surface } = this
    this.clip(scale, () => {
      for (const { name, from, to } of this.#phases()) {
        const [left, right] = [scale.clamped(from), scale.clamped(to)]
        if (right <= left) continue
        surface.context.fillStyle = palette.lane
        surface.context.fillRect(left, PHASE_Y - 7, 2, 14)
        surface.textWithin(PHASES[name] ?? name, left + 7, PHASE_Y, right - left - 10, { colour: palette.muted })
      }
      for (const { at, label } of scale.ticks()) {
        surface.textWithin(label, scale.x(at) + 4, TICK_Y, scale.right - scale.x(at), { colour: palette.muted })
      }
    })
    surface.text('virtual time', scale.left - 10, TICK_Y, { colour: palette.muted, align: 'right' })
  }

  hint(x: number, _y: number, scale: Scale): Hint | undefined {
    const time = scale.time(x)
    const phase = this.#phases().findLast(({ from }) => from <= time)
    return { title: timeLabel(time), lines: phase === undefined ? [] : [PHASES[phase.name] ?? phase.name] }
  }

  #phases(): { name: string; from: number; to: number }[] {
    const { phases, end } = this.#model.facts
    return phases.map(({ name, at }, index) => ({ name, from: at, to: phases[index + 1]?.at ?? end }))
  }
}
