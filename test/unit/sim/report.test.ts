// The report: what it records agrees with the run, and the run does not notice that it is recorded.
import { gunzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import {
  drawPlan,
  Recorder,
  renderReport,
  simulate,
  type Plan,
  type Recording,
  type RunResult,
} from '../../../sim/index.ts'
import { faultFacts } from '../../../sim/report/faults.ts'
import { packFlights } from '../../../sim/report/flights.ts'
import { unpackColumns } from '../../../sim/report/page/columns.ts'
import { COLUMNS, FLIGHT_CLASSES, NEVER, type Facts, type WriteFacts } from '../../../sim/report/page/data.ts'
import { Traffic } from '../../../sim/world/traffic.ts'

const SEED = 3

async function recorded(plan: Plan): Promise<{ result: RunResult; recording: Recording }> {
  const recorder = new Recorder()
  const result = await simulate(plan, recorder.options)
  return { result, recording: recorder.record(result, 'npm run sim') }
}

const whole = recorded(drawPlan(SEED))

test('a run that is recorded has the trace of one that is not', async () => {
  const { result } = await whole
  expect(result.traceHash).toBe((await simulate(drawPlan(SEED))).traceHash)
})

test('a write is on every disk that its receipt names when it is acknowledged', async () => {
  const { facts, columns } = (await whole).recording
  // A write that only takes away may have found nothing: then a disk that names it had nothing to sync.
  const inserts = (kind: string) => kind === 'create' || kind === 'set' || kind === 'push' || kind === 'type'
  const acked = facts.writes.flatMap((write, index) =>
    write.outcome === 'acked' && inserts(write.kind) ? [{ write, index }] : [],
  )
  expect(acked.length).toBeGreaterThan(10)
  for (const { write, index } of acked) {
    const holders = holdersAt(columns, index, write.endedAt)
    for (const lane of write.copies) expect([...holders], `${write.tag} at ${write.endedAt}`).toContain(lane)
  }
})

function holdersAt(columns: Recording['columns'], write: number, at: number): Set<number> {
  const holders = new Set<number>()
  for (let step = 0; step < columns.stepAt.length; step++) {
    if (columns.stepWrite[step] !== write || Number(columns.stepAt[step]) > at) continue
    if (columns.stepGain[step] === 1) holders.add(Number(columns.stepLane[step]))
    else holders.delete(Number(columns.stepLane[step]))
  }
  return holders
}

test('two sides of a partition differ while they are apart, and not once they have converged', async () => {
  const plan = partitioned()
  const { result, recording } = await recorded(plan)
  expect(result.verdict).toBe('ok')
  const { facts, columns } = recording
  const during = Math.floor(8_000_000 / facts.sampleMicros)
  expect(columns.divergent[during]).toBe(1)
  expect(columns.divergent[columns.divergent.length - 1]).toBe(0)
  expect(columns.underReplicated[columns.underReplicated.length - 1]).toBe(0)
  const homesApart = [0, 1].map((lane) => Number(columns.homes[lane * columns.divergent.length + during]))
  expect(homesApart, 'each side has a home').toEqual([1, 1])
})

/** Two peers, one session, written to on both sides of a partition. */
function partitioned(): Plan {
  const drawn = drawPlan(SEED)
  const operation = { session: 's', key: 'k', durability: 'local' } as const
  return {
    ...drawn,
    machines: ['a', 'b'].map((name) => ({ name, zone: '', weight: 1 })),
    core: ['a', 'b'],
    clients: [
      { name: 'one', machine: 'a' },
      { name: 'two', machine: 'b' },
    ],
    network: { latencyMinMs: 1, latencyMeanMs: 1, lossPerMillion: 0, duplicatePerMillion: 0, bytesPerMs: 0 },
    peer: { ...drawn.peer, replicationFactor: 'all', gossip: true },
    faults: [{ kind: 'partition', at: 4_000, forMs: 5_000, groups: [['a'], ['b']] }],
    operations: [
      { ...operation, at: 1_500, tag: 'create', client: 'one', kind: 'create' },
      { ...operation, at: 6_000, tag: 'left', client: 'one', kind: 'push' },
      { ...operation, at: 6_000, tag: 'right', client: 'two', kind: 'push' },
    ],
    chaosMs: 10_000,
    settleMs: 20_000,
  }
}

test('faults end when they say, at the heal, or never, if they are about a machine that is not healed', () => {
  const plan: Plan = {
    ...partitioned(),
    core: ['a'],
    faults: [
      { kind: 'freeze', at: 1_000, forMs: 500, machine: 'a' },
      { kind: 'freeze', at: 1_000, forMs: 50_000, machine: 'a' },
      { kind: 'freeze', at: 1_000, forMs: 50_000, machine: 'b' },
      { kind: 'reset', at: 2_000, between: ['a', 'b'] },
      { kind: 'freeze', at: 30_000, forMs: 500, machine: 'a' },
    ],
  }
  const facts = faultFacts(plan, 10_000_000, 12_000_000)
  expect(facts.map(({ at, until }) => [at / 1_000, until / 1_000])).toEqual([
    [1_000, 1_500],
    [1_000, 10_000],
    [1_000, 12_000],
    [2_000, 2_000],
  ])
  expect(facts[3]?.lanes.map(({ lane }) => lane)).toEqual([0, 1])
})

test('when there is no room for all lines, what was lost keeps its own, and everything counts in the density', () => {
  const traffic = new Traffic(true)
  for (let i = 0; i < 50; i++) {
    traffic.arrived(traffic.sent(i * 10, 'gossip', 'a', 'b', 'members', 100), i * 10 + 5)
    traffic.arrived(traffic.sent(i * 10, 'request', 'b', 'a', 'acks', 10), i * 10 + 5)
  }
  traffic.lost(traffic.sent(600, 'gossip', 'a', 'b', 'shard/1', 100))
  const lanes = new Map([
    ['a', 0],
    ['b', 1],
  ])
  const packed = packFlights(traffic, { lanes, end: 1_000, text: () => 0, flightsMax: 60 })
  expect(packed.onlyDensity).toEqual({ heartbeat: 50 })
  expect(packed.columns.flightClass).toHaveLength(51)
  expect(packed.columns.flightTook.at(-1)).toBe(NEVER)
  expect(packed.totals).toMatchObject({ heartbeat: 50, ack: 50, frame: 1, lost: 1 })
  expect(packed.columns.density.reduce((sum, count) => sum + count, 0)).toBe(101)
  expect(packed.columns.flightClass.filter((kind) => FLIGHT_CLASSES[kind] === 'ack')).toHaveLength(50)
})

test('the page holds the whole recording, and nothing of it can become markup', async () => {
  const { recording } = await whole
  const evil = '</script><script>alert(1)</script><!-- "&'
  const writes = recording.facts.writes.map((write): WriteFacts => ({ ...write, tag: evil }))
  const html = renderReport({ ...recording, facts: { ...recording.facts, name: evil, writes } })
  expect(html).not.toContain('<script>alert')
  expect(html.match(/<\/script>/g)).toHaveLength(4)
  const facts = JSON.parse(element(html, 'facts')) as Facts
  expect(facts.name).toBe(evil)
  const bytes = gunzipSync(Buffer.from(element(html, 'columns'), 'base64'))
  const columns = unpackColumns(COLUMNS, new Uint8Array(bytes))
  for (const name of Object.keys(COLUMNS) as (keyof typeof COLUMNS)[]) {
    expect(columns[name], name).toHaveLength(recording.columns[name].length)
  }
  expect([...columns.flightTook]).toEqual([...Array.from(recording.columns.flightTook)])
})

function element(html: string, id: string): string {
  return new RegExp(`id="${id}">([^<]*)</script>`).exec(html)?.[1] ?? ''
}

test('the page needs nothing from anywhere', async () => {
  const html = renderReport((await whole).recording)
  expect(html).not.toMatch(/(src|href)="(?!data:)/)
  expect(html).not.toMatch(/https?:\/\//)
})
