// The parts of the report's page that need no browser: columns, the stretch of time in sight, the axis, the density.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { packColumns, unpackColumns } from '../../../sim/report/page/columns.ts'
import { FLIGHT_CLASSES } from '../../../sim/report/page/data.ts'
import { Density } from '../../../sim/report/page/density.ts'
import { durationLabel, Scale, timeLabel } from '../../../sim/report/page/scale.ts'
import { stepper, type Stop } from '../../../sim/report/page/steps.ts'
import { View } from '../../../sim/report/page/view.ts'

test('columns come out as they went in', () => {
  const schema = { bytes: 'u8', times: 'f64', counts: 'u16', sizes: 'u32' } as const
  const columns = fc.record({
    bytes: fc.array(fc.nat(255)),
    times: fc.array(fc.double({ noNaN: true })),
    counts: fc.array(fc.nat(65_535)),
    sizes: fc.array(fc.nat(2 ** 32 - 1)),
  })
  fc.assert(
    fc.property(columns, (given) => {
      const unpacked = unpackColumns(schema, new Uint8Array(packColumns(schema, given)))
      for (const name of Object.keys(schema) as (keyof typeof schema)[]) {
        expect([...unpacked[name]]).toEqual(given[name])
      }
    }),
  )
})

test('whatever one does, what is in sight lies inside of the run', () => {
  const step = fc.oneof(
    fc.record({ zoom: fc.double({ min: 0.01, max: 100, noNaN: true }), at: fc.nat(10_000_000) }),
    fc.record({ pan: fc.double({ min: -5, max: 5, noNaN: true }) }),
    fc.record({ focus: fc.nat(10_000_000) }),
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
      const view = new View(10_000_000)
      for (const one of steps) {
        if ('zoom' in one) view.zoom(one.zoom, one.at)
        else if ('pan' in one) view.pan(one.pan)
        else view.focus(one.focus)
        expect(view.from).toBeGreaterThanOrEqual(-1e-6)
        expect(view.to).toBeLessThanOrEqual(view.end + 1e-6)
        expect(view.span).toBeGreaterThan(199)
      }
    }),
  )
})

test('zooming keeps what is under the pointer where it is', () => {
  const view = new View(10_000_000)
  const before = new Scale(view, 1_000).x(3_000_000)
  view.zoom(0.25, 3_000_000)
  expect(new Scale(view, 1_000).x(3_000_000)).toBeCloseTo(before)
})

test('going to something shows it', () => {
  const view = new View(60_000_000)
  for (const at of [0, 20_400_000, 60_000_000]) {
    view.focus(at)
    expect(view.from).toBeLessThanOrEqual(at)
    expect(view.to).toBeGreaterThanOrEqual(at)
    expect(view.span).toBeLessThan(3_000_000)
  }
})

test('stepping visits every event, those at the ends too, and back', () => {
  const stops = [0, 100_000, 5_000_000, 5_000_000, 9_900_000, 10_000_000].map((at): Stop => ({
    at,
    until: at,
    kind: 'fault',
    text: '',
    isViolation: false,
  }))
  const visited: number[] = []
  const step = stepper(new View(10_000_000), stops, (stop) => visited.push(stops.indexOf(stop)))
  step(-1)
  for (let i = 0; i < 8; i++) step(-1)
  for (let i = 0; i < 8; i++) step(1)
  expect(visited).toEqual([1, 0, 1, 2, 3, 4, 5])
})

test('ticks are round and never too close', () => {
  fc.assert(
    fc.property(fc.integer({ min: 200, max: 3_600_000_000 }), fc.integer({ min: 300, max: 2_000 }), (span, width) => {
      const ticks = new Scale({ from: 0, to: span }, width).ticks()
      expect(ticks[0]?.at).toBe(0)
      const [first, second] = ticks
      if (first === undefined || second === undefined) return
      expect(new Scale({ from: 0, to: span }, width).x(second.at) - first.at).toBeGreaterThan(80)
      expect(new Set(ticks.map(({ label }) => label)).size).toBe(ticks.length)
    }),
  )
})

test('times and lengths read as people write them', () => {
  expect(timeLabel(90_000_000, 30_000_000)).toBe('1:30')
  expect(timeLabel(12_503_210)).toBe('12.503 s')
  expect(timeLabel(12_503_210, 10)).toBe('12.50321 s')
  expect([durationLabel(999), durationLabel(3_210), durationLabel(32_100), durationLabel(1_500_000)]).toEqual([
    '999 µs',
    '3.21 ms',
    '32.1 ms',
    '1.50 s',
  ])
})

test('density adds up to the same at every zoom', () => {
  const [lanes, bins] = [2, 300]
  const rows = 2 * FLIGHT_CLASSES.length
  const counts = Array.from({ length: rows * lanes * bins }, (_, index) => (index * 7) % 5)
  const density = new Density(counts, lanes, 1_000)
  const sum = (micros: number) => {
    let total = 0
    for (let row = 0; row < rows; row++) {
      for (let lane = 0; lane < lanes; lane++) {
        density.read(row, lane, micros, 0, 300_000, (_at, count) => {
          total += count
        })
      }
    }
    return total
  }
  const all = counts.reduce((total, count) => total + count, 0)
  expect([1_000, 2_000, 5_000, 300_000].map(sum)).toEqual([all, all, all, all])
  expect(density.binMicros(5_000)).toBe(4_000)
})
