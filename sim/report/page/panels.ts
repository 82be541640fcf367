// Everything that is said in words: the verdict, how to run it again, the events as a table, the configuration.
import type { Facts } from './data.ts'
import { make } from './dom.ts'
import { countLabel, durationLabel, timeLabel } from './scale.ts'
import type { Stop } from './steps.ts'
import type { View } from './view.ts'

const VERDICTS = {
  ok: ['✓', 'ok', 'every checked promise was kept'],
  violated: ['✕', 'violated', 'a promise was broken'],
  vacuous: ['○', 'vacuous', 'nothing was tried, so nothing was shown'],
} as const

export function header(facts: Facts, switches: HTMLElement): HTMLElement {
  const [symbol, verdict, meaning] = VERDICTS[facts.verdict]
  return make(
    'header',
    {},
    make(
      'div',
      { class: 'title' },
      make('h1', {}, facts.name),
      make('span', { class: `verdict ${facts.verdict}`, title: meaning }, `${symbol} ${verdict}`),
      make('span', { class: 'quiet' }, meaning),
      switches,
    ),
    make(
      'dl',
      { class: 'numbers' },
      ...numbers(facts).flatMap(([term, value]) => [make('div', {}, make('dt', {}, term), make('dd', {}, value))]),
    ),
    replay(facts),
  )
}

function numbers(facts: Facts): [string, string][] {
  const { operations } = facts
  const { acked = 0, unknown = 0, refused = 0, skipped = 0 } = operations
  const rest = [
    unknown > 0 ? `${unknown} unknown` : '',
    refused > 0 ? `${refused} refused` : '',
    skipped > 0 ? `${skipped} skipped` : '',
  ]
  const converged = facts.convergedMs === undefined ? 'not reached' : durationLabel(facts.convergedMs * 1_000)
  return [
    ['seed', facts.seed],
    ['peers', String(facts.peers.length)],
    ['sessions', String(facts.sessions)],
    ['simulated', durationLabel(facts.end)],
    ['operations', [`${acked} acknowledged`, ...rest].filter(Boolean).join(', ')],
    ['equal after the heal', converged],
    ['events', countLabel(facts.eventCount)],
    ['trace', facts.traceHash],
  ]
}

function replay({ replay }: Facts): HTMLElement {
  if (replay === '') return make('div')
  const copy = make('button', { type: 'button', class: 'small', onclick: () => void copied() }, 'Copy')
  const copied = async () => {
    await navigator.clipboard.writeText(replay).then(
      () => copy.replaceChildren('Copied'),
      () => copy.replaceChildren('Select and copy it by hand'),
    )
  }
  return make(
    'div',
    { class: 'replay' },
    make('span', { class: 'quiet' }, 'run it again'),
    make('code', {}, replay),
    copy,
  )
}

export function violations(facts: Facts, view: View, jumped: () => void): HTMLElement {
  const list = make('section', { class: 'violations', 'aria-label': 'Violations' })
  for (const [index, { at, checker, violatedWhen, message, lanes }] of facts.violations.entries()) {
    const go = () => {
      view.focus(at)
      jumped()
    }
    const names = lanes.map((lane) => facts.peers[lane]?.name ?? '?').join(' ')
    list.append(
      make(
        'article',
        { id: `violation-${index + 1}` },
        make(
          'h2',
          {},
          `✕ ${checker}`,
          make('span', { class: 'quiet' }, ` at ${timeLabel(at)}${names && `, about ${names}`}`),
        ),
        make('p', { class: 'quiet' }, `It is violated when ${violatedWhen}.`),
        make('pre', {}, message),
        make('button', { type: 'button', class: 'jump', onclick: go }, 'Jump to it'),
      ),
    )
  }
  return list
}

export function eventTable(stops: readonly Stop[], view: View, jumped: () => void): HTMLElement {
  const rows = stops.map((stop) => {
    const go = () => {
      view.focus(stop.at, stop.until)
      jumped()
    }
    const lasted = stop.until > stop.at ? durationLabel(stop.until - stop.at) : ''
    return make(
      'tr',
      stop.isViolation ? { class: 'violated' } : {},
      make(
        'td',
        { class: 'number' },
        make('button', { type: 'button', class: 'link', onclick: go }, timeLabel(stop.at)),
      ),
      make('td', { class: 'number quiet' }, lasted),
      make('td', {}, stop.isViolation ? `✕ ${stop.kind}` : stop.kind),
      make('td', {}, stop.text.length > 300 ? `${stop.text.slice(0, 300)}…` : stop.text),
    )
  })
  const head = ['at', 'lasted', 'event', 'what'].map((name) => make('th', { scope: 'col' }, name))
  return make(
    'section',
    { class: 'panel' },
    make('h2', {}, 'Events'),
    make(
      'div',
      { class: 'scroll' },
      make('table', {}, make('thead', {}, make('tr', {}, ...head)), make('tbody', {}, ...rows)),
    ),
  )
}

export function configuration({ configuration, onlyDensity }: Facts): HTMLElement {
  const rows = configuration.flatMap(([term, value]) => [make('dt', {}, term), make('dd', {}, value)])
  const left = Object.entries(onlyDensity).map(([kind, count]) => `${countLabel(count)} of kind ${kind}`)
  const note =
    left.length === 0
      ? []
      : [make('p', { class: 'quiet' }, `Only as density, because there are so many: ${left.join(', ')}.`)]
  return make(
    'section',
    { class: 'panel' },
    make('h2', {}, 'Configuration'),
    make('dl', { class: 'pairs' }, ...rows),
    ...note,
  )
}

export function keysHelp(): HTMLElement {
  const rows: readonly (readonly [string, string])[] = [
    ['drag', 'move'],
    ['ctrl + wheel, pinch', 'zoom'],
    ['double click', 'zoom in'],
    ['← →', 'move'],
    ['+ −', 'zoom'],
    ['0', 'whole run'],
    ['n p', 'next, previous event'],
  ]
  return make(
    'section',
    { class: 'panel' },
    make('h2', {}, 'Getting about'),
    make('dl', { class: 'pairs' }, ...rows.flatMap(([term, value]) => [make('dt', {}, term), make('dd', {}, value)])),
  )
}
