// Puts the page together and draws it again whenever something has changed.
import { Axis } from './axis.ts'
import { control } from './controls.ts'
import type { Facts } from './data.ts'
import { byId, make } from './dom.ts'
import { Faults } from './faults.ts'
import { Flights, type Layer } from './flights.ts'
import { HomesTrack } from './homes.ts'
import { Lanes } from './lanes.ts'
import { Legend } from './legend.ts'
import { readModel, value, type Model } from './model.ts'
import { Overview } from './overview.ts'
import { readPalette } from './palette.ts'
import { configuration, eventTable, header, keysHelp, violations } from './panels.ts'
import { Plot } from './plot.ts'
import { timeLabel } from './scale.ts'
import { stepper, stopsOf } from './steps.ts'
import { themeSwitch } from './theme.ts'
import { Tooltip } from './tooltip.ts'
import type { Track } from './track.ts'
import { View } from './view.ts'
import { Writes } from './writes.ts'

/** Peers up to which heartbeats are drawn from the start: with more they hide the rest. */
const HEARTBEATS_PEERS_MAX = 4

function build(model: Model): void {
  const { facts } = model
  const view = new View(facts.end)
  const flights = new Flights(model)
  for (const layer of ['frame', 'ack', 'repair', 'lost', 'late'] satisfies Layer[]) flights.layers.add(layer)
  if (model.lanes <= HEARTBEATS_PEERS_MAX) flights.layers.add('heartbeat')
  const layers = new Set(['faults', 'writes'])
  const lanes = new Lanes(view, model, flights, layers)
  const tracks = [new Faults(view, model), lanes, new Axis(view, model), ...plots(view, model)]
  const overview = new Overview(view, model)
  const legend = new Legend({ facts, flights, layers, changed: () => view.changed() })
  const draw = drawer(() => {
    const palette = readPalette()
    overview.draw(palette)
    for (const track of tracks) track.draw(palette)
    legend.update()
  })
  view.onChange(draw)
  lay(view, facts, { overview, legend, tracks, draw })
  draw()
}

interface Parts {
  readonly overview: Overview
  readonly legend: Legend
  readonly tracks: readonly Track[]
  readonly draw: () => void
}

/** Lays the parts out on the page, and lets pointer and keyboard at them. */
function lay(view: View, facts: Facts, { overview, legend, tracks, draw }: Parts): void {
  const chart = make('div', CHART, ...tracks.map(({ element }) => element))
  const live = make('div', { class: 'live', role: 'status' })
  const tooltip = new Tooltip()
  const stops = stopsOf(facts)
  const step = stepper(view, stops, ({ at, kind, text }) => {
    live.textContent = `${timeLabel(at)}: ${kind} ${text.slice(0, 200)}`
  })
  const jumped = () => {
    chart.focus({ preventScroll: true })
    chart.scrollIntoView({ block: 'nearest' })
  }
  const tools = make('div', { class: 'tools' }, legend.marks, buttons(view, step))
  const beside = make('div', {}, configuration(facts), keysHelp())
  byId('page').replaceChildren(
    header(facts, themeSwitch(draw)),
    violations(facts, view, jumped),
    make('div', { class: 'bar' }, overview.element, legend.element, tools),
    chart,
    live,
    make('div', { class: 'panels' }, eventTable(stops, view, jumped), beside),
    tooltip.element,
  )
  control({ view, root: chart, tracks, hint: (hint, x, y) => tooltip.show(hint, x, y), step })
  new ResizeObserver(draw).observe(chart)
}

const CHART = {
  class: 'chart',
  tabindex: '0',
  role: 'group',
  'aria-label': 'Tracks over time. Arrow keys move, + and - zoom, n and p go to the next and previous event.',
}

function plots(view: View, model: Model): Track[] {
  const { columns, facts } = model
  const shared = {
    sampleMicros: facts.sampleMicros,
    samples: columns.divergent.length,
    laneName: (lane: number) => model.peerName(lane),
  }
  const slowest = Float64Array.from({ length: shared.samples }, (_, sample) => {
    let most = Number.NaN
    for (let lane = 0; lane < model.lanes; lane++) {
      const lag = model.sampled(columns.lag, lane, sample)
      if (Number.isNaN(most) || lag > most) most = lag
    }
    return most
  })
  return [
    new Plot(view, {
      ...shared,
      name: 'lag',
      unit: 'ms, slowest peer',
      description: 'Age of the oldest change that a live replica has not acknowledged.',
      series: [{ name: 'slowest peer', at: (sample) => value(slowest, sample) }],
      ofLane: (lane, sample) => model.sampled(columns.lag, lane, sample),
    }),
    new Plot(view, {
      ...shared,
      name: 'divergence',
      unit: 'sessions differing',
      description: 'Sessions of which a running peer holds something else than the union of all disks.',
      series: [{ name: 'sessions that differ somewhere', at: (sample) => value(columns.divergent, sample) }],
      ofLane: (lane, sample) => model.sampled(columns.differing, lane, sample),
    }),
    new Plot(view, {
      ...shared,
      name: 'copies',
      unit: 'sessions with too few',
      description: 'Sessions with fewer whole copies than asked for, and in red those with none.',
      series: [
        { name: 'too few whole copies', at: (sample) => value(columns.underReplicated, sample) },
        {
          name: 'no whole copy on a running peer (orphaned)',
          isWrong: true,
          at: (sample) => value(columns.orphaned, sample),
        },
      ],
    }),
    new HomesTrack(view, model),
    new Writes(view, model),
  ]
}

function buttons(view: View, step: (by: 1 | -1) => void): HTMLElement {
  const button = (label: string, title: string, onclick: () => void) =>
    make('button', { type: 'button', title, 'aria-label': title, onclick }, label)
  return make(
    'div',
    { class: 'buttons' },
    button('‹', 'Previous event (p)', () => step(-1)),
    button('›', 'Next event (n)', () => step(1)),
    button('−', 'Zoom out (-)', () => view.zoom(1.5)),
    button('+', 'Zoom in (+)', () => view.zoom(1 / 1.5)),
    button('Whole run', 'Show the whole run (0)', () => view.all()),
  )
}

/** Calls `draw` once before the next frame, however often it was asked for. */
function drawer(draw: () => void): () => void {
  let isAsked = false
  return () => {
    if (isAsked) return
    isAsked = true
    requestAnimationFrame(() => {
      isAsked = false
      draw()
    })
  }
}

build(await readModel())
document.documentElement.dataset['ready'] = 'true'
