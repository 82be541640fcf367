// The legend: what each line means, and a switch for each.
import type { Facts } from './data.ts'
import { make } from './dom.ts'
import { countLabel } from './scale.ts'
import type { Flights, Layer } from './flights.ts'

interface Item {
  readonly layer: string
  readonly label: string
  readonly count?: number
  readonly swatch: string
  readonly title: string
}

export interface LegendOptions {
  readonly facts: Facts
  readonly flights: Flights
  /** What is switched on beside flights. */
  readonly layers: Set<string>
  readonly changed: () => void
}

export class Legend {
  readonly element: HTMLElement
  /** What the marks on the lanes mean. */
  readonly marks = make('div', { class: 'marks' }, ...KEYS.map(([symbol, meaning]) => key(symbol, meaning)))
  readonly #options: LegendOptions
  readonly #states = new Map<string, HTMLElement>()

  constructor(options: LegendOptions) {
    this.#options = options
    const { facts } = options
    this.element = make('div', { class: 'legend', role: 'group', 'aria-label': 'Legend: what is drawn' })
    for (const item of items(facts)) this.element.append(this.#button(item))
  }

  /** Says of each kind of message whether it has lines at this zoom. */
  update(): void {
    const { flights, facts } = this.#options
    for (const [layer, state] of this.#states) {
      const isOn = flights.layers.has(layer as Layer)
      const hasAny = (facts.flights[layer as Layer] ?? 0) > 0
      state.textContent = isOn && hasAny && !flights.isLines(layer as Layer) ? 'as density' : ''
    }
  }

  #button({ layer, label, count, swatch, title }: Item): HTMLElement {
    const { flights, layers, changed } = this.#options
    const on: Set<string> = layer === 'faults' || layer === 'writes' ? layers : flights.layers
    const button = make(
      'button',
      {
        type: 'button',
        title,
        'aria-pressed': String(on.has(layer)),
        onclick: () => {
          if (!on.delete(layer)) on.add(layer)
          button.setAttribute('aria-pressed', String(on.has(layer)))
          changed()
        },
      },
      make('span', { class: `swatch ${swatch}` }),
      label,
    )
    if (count !== undefined) button.append(make('span', { class: 'quiet' }, countLabel(count)))
    if (count !== undefined) {
      const state = make('span', { class: 'quiet state' })
      this.#states.set(layer, state)
      button.append(state)
    }
    return button
  }
}

function items({ flights, faults, writes }: Facts): Item[] {
  return [
    {
      layer: 'frame',
      label: 'changes',
      count: flights.frame,
      swatch: 'line frame',
      title: 'Frames of changes, by gossip',
    },
    {
      layer: 'ack',
      label: 'acks',
      count: flights.ack,
      swatch: 'line ack',
      title: 'Acknowledgements, and their answers',
    },
    {
      layer: 'repair',
      label: 'repairs',
      count: flights.repair,
      swatch: 'line repair',
      title: 'Anti-entropy: requests and answers',
    },
    {
      layer: 'heartbeat',
      label: 'heartbeats',
      count: flights.heartbeat,
      swatch: 'line heartbeat',
      title: 'Heartbeats by gossip, and pings',
    },
    { layer: 'lost', label: 'lost', count: flights.lost, swatch: 'line lost', title: 'Never arrived' },
    {
      layer: 'late',
      label: 'late',
      count: flights.late,
      swatch: 'line late',
      title: 'Arrived more than a second after it left',
    },
    { layer: 'faults', label: `faults (${faults.length})`, swatch: 'area fault', title: 'What was done to the mesh' },
    {
      layer: 'writes',
      label: `client writes (${writes.length})`,
      swatch: 'dot ack',
      title: 'From the call to what the client was told: green once acknowledged',
    },
  ]
}

const KEYS: readonly (readonly [string, string])[] = [
  ['▷', 'start'],
  ['✕', 'crash'],
  ['▽', 'suspects a peer'],
  ['▼', 'calls it dead'],
  ['▫', 'takes homes over, warns'],
]

function key(symbol: string, meaning: string): HTMLElement {
  return make('span', { class: 'key' }, make('span', { class: 'symbol' }, symbol), meaning)
}
