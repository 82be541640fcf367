// Durability: on how many disks each write is, over time. As long as few writes are in sight each has a row, with the
// moment of its acknowledgement; of many, a stack says how many of them are on how many disks.
import type { WriteFacts } from './data.ts'
import { holdersAt, writeHint } from './hints.ts'
import { value, type Model } from './model.ts'
import type { Palette } from './palette.ts'
import { timeLabel, type Scale } from './scale.ts'
import { Track, type Hint } from './track.ts'
import type { View } from './view.ts'

const TOP = 10
const BOTTOM = 6
const ROW = 9
const ROWS_MAX = 34
const STACK = 120
/** Disks beyond which a further one makes no darker. */
const COPIES_MAX = 4

interface Change {
  readonly at: number
  readonly copies: number
}

export class Writes extends Track {
  readonly #model: Model
  /** On how many disks each write is from when on. */
  readonly #changes: readonly (readonly Change[])[]
  /** By time: how many writes are on 0, 1, 2 … disks. */
  readonly #stack: readonly { readonly at: number; readonly counts: readonly number[] }[]

  constructor(view: View, model: Model) {
    super(view, { name: 'Durability', description: 'On how many disks each write is, and when it was acknowledged.' })
    this.#model = model
    this.#changes = changesOf(model)
    this.#stack = stackOf(model, this.#changes)
  }

  height(): number {
    const rows = this.#rows(this.view.from, this.view.to)
    return TOP + BOTTOM + (rows === undefined ? STACK : Math.max(STACK, rows.length * ROW))
  }

  protected paint(scale: Scale, palette: Palette): void {
    const { surface } = this
    surface.text('durability', scale.left - 10, TOP + 6, { colour: palette.ink, align: 'right', weight: 600 })
    surface.text('writes by disks', scale.left - 10, TOP + 21, { colour: palette.muted, align: 'right', size: 10 })
    if (this.#model.facts.writes.length === 0) {
      surface.text('no writes in this run', scale.left + 6, TOP + 6, { colour: palette.muted })
      return
    }
    this.#paintKey(scale, palette)
    const rows = this.#rows(scale.from, scale.to)
    if (rows?.length === 0)
      surface.text('no write begins or spreads here', scale.left + 6, TOP + 6, { colour: palette.muted })
    this.clip(scale, () => {
      if (rows === undefined) this.#paintStack(scale, palette)
      else for (const [row, write] of rows.entries()) this.#paintRow(write, TOP + row * ROW, scale, palette)
    })
  }

  hint(x: number, y: number, scale: Scale): Hint | undefined {
    const rows = this.#rows(scale.from, scale.to)
    const time = scale.time(x)
    if (rows === undefined) {
      const counts = this.#stack.findLast(({ at }) => at <= time)?.counts ?? []
      const lines = counts.flatMap((count, copies) => (count > 0 ? [`${count} on ${copiesLabel(copies)}`] : []))
      return { title: `writes begun by ${timeLabel(time)}`, lines: lines.length > 0 ? lines : ['none'] }
    }
    const write = rows[Math.floor((y - TOP) / ROW)]
    const facts = write === undefined ? undefined : this.#model.facts.writes[write]
    if (write === undefined || facts === undefined) return undefined
    const holders = holdersAt(this.#model, write, time).map((lane) => this.#model.peerName(lane))
    const hint = writeHint(this.#model, facts)
    return { ...hint, lines: [...hint.lines, `at ${timeLabel(time)} on the disks of ${holders.join(' ') || 'nobody'}`] }
  }

  /** Writes with rows of their own: those that begin or spread in sight, if they are few. */
  #rows(from: number, to: number): number[] | undefined {
    const rows: number[] = []
    for (const [index, { invokedAt, endedAt }] of this.#model.facts.writes.entries()) {
      if (invokedAt > to || Math.max(endedAt, this.#changes[index]?.at(-1)?.at ?? 0) < from) continue
      rows.push(index)
      if (rows.length > ROWS_MAX) return undefined
    }
    return rows
  }

  #paintRow(write: number, y: number, scale: Scale, palette: Palette): void {
    const { context } = this.surface
    const facts = this.#model.facts.writes[write]
    if (facts === undefined) return
    const changes = [{ at: facts.invokedAt, copies: 0 }, ...(this.#changes[write] ?? [])]
    for (const [index, { at, copies }] of changes.entries()) {
      const until = changes[index + 1]?.at ?? this.#model.facts.end
      const [left, right] = [scale.clamped(at), scale.clamped(until)]
      context.fillStyle = palette.amount
      context.globalAlpha = strength(copies)
      const height = copies === 0 ? 1 : ROW - 3
      context.fillRect(left, y + (ROW - height) / 2, right - left, height)
    }
    context.globalAlpha = 1
    this.#paintEnd(facts, y + ROW / 2, scale, palette)
    this.surface.text(facts.tag, Math.max(scale.left + 34, scale.x(facts.invokedAt) - 4), y + ROW / 2, {
      colour: palette.muted,
      size: 9,
      align: 'right',
    })
  }

  /** What the client was told, when. */
  #paintEnd({ outcome, endedAt }: WriteFacts, y: number, scale: Scale, palette: Palette): void {
    const { context } = this.surface
    const x = scale.x(endedAt)
    context.fillStyle = outcome === 'acked' ? palette.ack : palette.surface
    context.strokeStyle = outcome === 'acked' ? palette.surface : palette.muted
    context.lineWidth = 1
    context.beginPath()
    context.arc(x, y, 3.4, 0, 2 * Math.PI)
    context.fill()
    context.stroke()
  }

  #paintStack(scale: Scale, palette: Palette): void {
    const { context } = this.surface
    const total = this.#model.facts.writes.length
    const y = (count: number) => TOP + STACK - (count / total) * STACK
    for (let copies = 0; copies <= COPIES_MAX; copies++) {
      context.fillStyle = palette.amount
      for (const [index, { at, counts }] of this.#stack.entries()) {
        const until = this.#stack[index + 1]?.at ?? this.#model.facts.end
        if (until < scale.from || at > scale.to) continue
        const above = counts.slice(copies + 1).reduce((sum, count) => sum + count, 0)
        const own = counts[copies] ?? 0
        if (own === 0) continue
        const [left, right] = [Math.round(scale.clamped(at)), Math.round(scale.clamped(until))]
        context.globalAlpha = copies === 0 ? 1 : strength(copies)
        if (copies === 0) context.fillStyle = palette.lane
        context.fillRect(left, y(above + own), right - left, y(above) - y(above + own))
      }
    }
    context.globalAlpha = 1
  }

  #paintKey(scale: Scale, palette: Palette): void {
    const { surface } = this
    for (let copies = 1; copies <= COPIES_MAX; copies++) {
      const y = TOP + 30 + copies * 15
      surface.context.fillStyle = palette.amount
      surface.context.globalAlpha = strength(copies)
      surface.context.fillRect(scale.left - 22, y - 4, 12, 9)
      surface.context.globalAlpha = 1
      surface.text(copiesLabel(copies), scale.left - 28, y, { colour: palette.muted, size: 10, align: 'right' })
    }
  }
}

function copiesLabel(copies: number): string {
  if (copies >= COPIES_MAX) return `${COPIES_MAX}+ disks`
  return copies === 1 ? '1 disk' : `${copies} disks`
}

function strength(copies: number): number {
  return [0.5, 0.22, 0.42, 0.65, 0.9][Math.min(copies, COPIES_MAX)] ?? 1
}

function changesOf({ columns, facts }: Model): Change[][] {
  const changes = facts.writes.map((): Change[] => [])
  const copies = facts.writes.map(() => 0)
  for (let step = 0; step < columns.stepAt.length; step++) {
    const write = value(columns.stepWrite, step)
    copies[write] = (copies[write] ?? 0) + (value(columns.stepGain, step) === 1 ? 1 : -1)
    changes[write]?.push({ at: value(columns.stepAt, step), copies: copies[write] ?? 0 })
  }
  return changes
}

/** The stack over time, at most as often as pixels can show. */
function stackOf({ facts }: Model, changes: readonly (readonly Change[])[]) {
  const events: { at: number; from: number; to: number }[] = []
  for (const [index, { invokedAt }] of facts.writes.entries()) {
    events.push({ at: invokedAt, from: -1, to: 0 })
    let before = 0
    for (const { at, copies } of changes[index] ?? []) {
      events.push({ at, from: Math.min(before, COPIES_MAX), to: Math.min(copies, COPIES_MAX) })
      before = copies
    }
  }
  events.sort((one, other) => one.at - other.at)
  const counts = Array.from({ length: COPIES_MAX + 1 }, () => 0)
  const stack: { at: number; counts: number[] }[] = []
  const step = facts.end / 2_000
  for (const { at, from, to } of events) {
    if (from >= 0) counts[from] = (counts[from] ?? 0) - 1
    counts[to] = (counts[to] ?? 0) + 1
    const last = stack.at(-1)
    if (last !== undefined && at - last.at < step) last.counts = [...counts]
    else stack.push({ at, counts: [...counts] })
  }
  return stack
}
