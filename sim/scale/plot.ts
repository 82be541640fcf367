// The measured table as four small plots in one SVG file, each against the number of peers, both axes logarithmic.
import type { ScaleResult } from './measure.ts'

const WIDTH = 260
const HEIGHT = 190
const LEFT = 48
const TOP = 30
const BOTTOM = 28
const RIGHT = 14

interface Chart {
  readonly title: string
  readonly of: (result: ScaleResult) => number | null
}

const CHARTS: readonly Chart[] = [
  { title: 'messages/s per peer, idle', of: ({ messagesPerSecond }) => messagesPerSecond },
  { title: 'ms until all have joined', of: ({ joinedMs }) => joinedMs },
  { title: 'ms until the last sees a death', of: ({ detectedLastMs }) => detectedLastMs },
  { title: 'ms from heal to equality', of: ({ convergedMs }) => convergedMs },
]

export function plotScale(results: readonly ScaleResult[]): string {
  const charts = CHARTS.map(
    (chart, index) => `<g transform="translate(${index * WIDTH} 0)">${draw(chart, results)}</g>`,
  )
  const size = `width="${CHARTS.length * WIDTH}" height="${HEIGHT}"`
  return `<svg xmlns="http://www.w3.org/2000/svg" ${size} font-family="Arial, sans-serif" font-size="11">
<rect width="100%" height="100%" fill="#fff"/>
${charts.join('\n')}
</svg>
`
}

function draw({ title, of }: Chart, results: readonly ScaleResult[]): string {
  const points = results.flatMap((result) => {
    const value = of(result)
    return value === null || !(value > 0) ? [] : [{ peers: result.peers, value }]
  })
  const x = axis(
    points.map(({ peers }) => peers),
    LEFT,
    WIDTH - RIGHT,
  )
  const y = axis(
    points.map(({ value }) => value),
    HEIGHT - BOTTOM,
    TOP + 14,
  )
  const path = points.map(({ peers, value }) => `${x(peers)},${y(value)}`).join(' ')
  const marks = points.map(({ peers, value }) => {
    const label = value >= 10 ? Math.round(value) : value.toFixed(1)
    const dot = `<circle cx="${x(peers)}" cy="${y(value)}" r="3.5" fill="#0072b2"/>`
    const text = `<text x="${x(peers)}" y="${y(value) - 8}" text-anchor="middle" fill="#1a1f26">${label}</text>`
    return `${dot}${text}<text x="${x(peers)}" y="${HEIGHT - 8}" text-anchor="middle" fill="#5b6570">${peers}</text>`
  })
  const line = `<polyline points="${path}" fill="none" stroke="#0072b2" stroke-width="1.5"/>`
  return `<text x="${LEFT - 30}" y="16" font-weight="bold" fill="#1a1f26">${title}</text>${line}${marks.join('')}`
}

/** A logarithmic scale over the values. */
function axis(values: readonly number[], from: number, to: number): (value: number) => number {
  const [low, high] = [Math.log(Math.min(...values)), Math.log(Math.max(...values))]
  const room = high - low
  return (value) => Math.round(room === 0 ? (from + to) / 2 : from + ((Math.log(value) - low) / room) * (to - from))
}
