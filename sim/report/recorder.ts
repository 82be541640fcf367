// Writes down one run for a report: hand `watch` to the run, and the result to `record` when it is over.
//
//   const recorder = new Recorder()
//   const result = run(plan, recorder.options)
//   const html = renderReport(recorder.record(result))
import type { Scene } from '../checkers/checker.ts'
import { CHECKERS } from '../checkers/index.ts'
import type { RunOptions, RunResult } from '../run/run.ts'
import type { Entry } from '../workload/history.ts'
import { MS } from '../world/loop.ts'
import type { TraceEvent } from '../world/trace.ts'
import { DurabilityWatch, isWrite } from './durability.ts'
import { faultFacts } from './faults.ts'
import { packFlights } from './flights.ts'
import { MARK_KINDS, type COLUMNS, type Facts, type MarkKind, type WriteFacts } from './page/data.ts'
import { Sampler } from './sampler.ts'

export interface Recording {
  readonly facts: Facts
  readonly columns: Readonly<Record<keyof typeof COLUMNS, ArrayLike<number>>>
}

interface Watched {
  readonly scene: Scene
  readonly sampler: Sampler
  readonly durability: DurabilityWatch
}

export class Recorder {
  /** What the run must be told. */
  readonly options: Pick<RunOptions, 'keepTraffic' | 'watch'> = {
    keepTraffic: true,
    watch: (scene) => this.#begin(scene),
  }
  readonly #marks: TraceEvent[] = []
  readonly #phases: { at: number; name: string }[] = []
  #watched: Watched | undefined

  #begin(scene: Scene): void {
    scene.world.trace.onEvent((event) => {
      if (event.kind === 'phase') this.#phases.push({ at: event.at, name: event.subject })
      else if (isMark(event)) this.#marks.push(event)
    })
    this.#watched = { scene, sampler: new Sampler(scene), durability: new DurabilityWatch(scene) }
  }

  /**
   * @param replay the command that does the same again
   * @throws Error if the run was not watched
   */
  record(result: RunResult, replay = ''): Recording {
    if (this.#watched === undefined) throw new Error('hand `options` of the recorder to the run')
    const { scene, sampler, durability } = this.#watched
    const { plan } = result
    const end = scene.world.now
    const lanes = new Map(plan.machines.map(({ name }, index) => [name, index]))
    const texts = new Texts()
    const flights = packFlights(scene.world.traffic, { lanes, end, text: (text) => texts.number(text) })
    const marks = this.#packMarks(lanes, texts)
    const writes = scene.history.entries.filter(isWrite)
    const facts: Facts = {
      ...outcome(result, lanes),
      replay,
      end,
      peers: plan.machines.map(({ name, zone }) => ({ name, zone, inCore: plan.core.includes(name) })),
      sessions: new Set(plan.operations.map(({ session }) => session)).size,
      configuration: configuration(plan),
      phases: this.#phases,
      faults: faultFacts(plan, this.#phases.find(({ name }) => name === 'settle')?.at, end),
      writes: writes.map((entry) => writeFacts(entry, lanes)),
      texts: texts.all,
      sampleMicros: sampler.interval,
      densityMicros: flights.densityMicros,
      onlyDensity: flights.onlyDensity,
      flights: flights.totals,
    }
    return {
      facts,
      columns: { ...flights.columns, ...marks, ...packSteps(durability, writes, lanes), ...packSamples(sampler) },
    }
  }

  #packMarks(lanes: ReadonlyMap<string, number>, texts: Texts) {
    return {
      markAt: this.#marks.map(({ at }) => at),
      markLane: this.#marks.map(({ machine }) => lanes.get(machine) ?? 0),
      markKind: this.#marks.map(({ kind }) => MARK_KINDS.indexOf(kind as MarkKind)),
      markText: this.#marks.map((event) => texts.number(markText(event))),
    }
  }
}

/** Texts by number, each once. */
class Texts {
  readonly all: string[] = []
  readonly #numbers = new Map<string, number>()

  number(text: string): number {
    const known = this.#numbers.get(text)
    if (known !== undefined) return known
    this.#numbers.set(text, this.all.length)
    return this.all.push(text) - 1
  }
}

/** Of what peers log only warnings and errors; membership and homes have events of their own. */
function isMark({ kind, subject }: TraceEvent): boolean {
  if (kind === 'log') return subject === 'warn' || subject === 'error'
  return MARK_KINDS.includes(kind as MarkKind)
}

function markText({ kind, subject, detail, number }: TraceEvent): string {
  switch (kind) {
    case 'start':
      return `process ${number} starts`
    case 'member':
      return `sees ${subject} as ${detail}`
    case 'home':
      return `${detail} ${number} sessions`
    case 'disk':
      return `${detail} of ${subject}`
    case 'log':
      return `${subject}: ${detail}`
    default:
      return kind
  }
}

function outcome(result: RunResult, lanes: ReadonlyMap<string, number>) {
  const { plan, verdict, violations, traceHash, eventCount, convergedMs, operations } = result
  const meaning = new Map(CHECKERS.map(({ name, violatedWhen }) => [name, violatedWhen]))
  return {
    name: plan.name,
    seed: plan.seed,
    verdict,
    traceHash,
    eventCount,
    ...(convergedMs === undefined ? {} : { convergedMs }),
    operations,
    violations: violations.map(({ at, checker, message, machines }) => ({
      at,
      checker,
      violatedWhen: meaning.get(checker) ?? '',
      message,
      lanes: machines.flatMap((name) => lanes.get(name) ?? []),
    })),
  }
}

function configuration({
  network,
  disk,
  peer,
  chaosMs,
  settleMs,
  core,
  machines,
}: RunResult['plan']): [string, string][] {
  const latency = `${network.latencyMinMs} ms + ${network.latencyMeanMs} ms on average`
  return [
    [
      'peers',
      machines
        .map(({ name, zone, weight }) => `${name}${zone && ` in ${zone}`}${weight === 1 ? '' : ` ×${weight}`}`)
        .join(', '),
    ],
    ['chaos, then settling', `${chaosMs / MS} s, then at most ${settleMs / MS} s`],
    ['healed core', core.length === machines.length ? 'every peer' : core.join(' ')],
    ['latency', latency],
    ['gossip lost, doubled', `${network.lossPerMillion / 10_000} %, ${network.duplicatePerMillion / 10_000} %`],
    ['bandwidth', network.bytesPerMs === 0 ? 'unlimited' : `${network.bytesPerMs} kB/s`],
    ['disk', `sync ${disk.syncMeanMs} ms, read ${disk.readMeanMs} ms on average`],
    ['shards, replication factor', `${peer.shardCount}, ${peer.replicationFactor}`],
    ['gossip of changes', peer.gossip ? 'on' : 'off: anti-entropy alone'],
    ['hydrated sessions', `at most ${peer.hydratedSessionsMax}`],
  ]
}

function writeFacts(entry: Entry, lanes: ReadonlyMap<string, number>): WriteFacts {
  const { operation, machine, invokedAt, endedAt, outcome, receipt, copies, error } = entry
  const { tag, session, kind, client, durability } = operation
  return {
    tag,
    session,
    kind,
    client,
    lane: lanes.get(machine) ?? 0,
    durability: String(durability),
    invokedAt,
    endedAt,
    outcome,
    isDegraded: receipt?.degraded ?? false,
    copies: copies.flatMap((copy) => lanes.get(copy.machine) ?? []),
    error,
  }
}

function packSteps(durability: DurabilityWatch, writes: readonly Entry[], lanes: ReadonlyMap<string, number>) {
  const numbers = new Map(writes.map((entry, index) => [entry, index]))
  const steps = durability.steps.filter(({ entry }) => numbers.has(entry))
  return {
    stepAt: steps.map(({ at }) => at),
    stepWrite: steps.map(({ entry }) => numbers.get(entry) ?? 0),
    stepLane: steps.map(({ machine }) => lanes.get(machine) ?? 0),
    stepGain: steps.map(({ gains }) => (gains ? 1 : 0)),
  }
}

function packSamples({ samples }: Sampler) {
  const byLane = (values: readonly (readonly number[])[]) =>
    (values[0] ?? []).flatMap((_, lane) => values.map((value) => value[lane] ?? 0))
  return {
    lag: byLane(samples.map(({ lag }) => lag)),
    homes: byLane(samples.map(({ homes }) => homes)),
    differing: byLane(samples.map(({ differing }) => differing)),
    divergent: samples.map(({ divergence }) => divergence.divergent),
    underReplicated: samples.map(({ divergence }) => divergence.underReplicated),
    orphaned: samples.map(({ divergence }) => divergence.orphaned),
  }
}
