// What a swarm has shown, for people.
import type { Failure } from '../swarm/tally.ts'
import type { SwarmResult } from '../swarm/swarm.ts'
import { counted, grouped, rounded, table } from './print.ts'

export interface SavedFailure extends Failure {
  readonly file: string
  readonly replay: string
}

export function swarmLines(result: SwarmResult, failures: readonly SavedFailure[]): string[] {
  return [
    ...failures.flatMap(({ seed, checker, at, message, replay }) => [
      `violated  seed ${seed}: ${checker} at ${(at / 1_000_000).toFixed(3)} s: ${message}`,
      `          ${replay}`,
    ]),
    ...headline(result),
    '',
    ...counts('Faults that began', result.faults),
    ...facts(result.facts),
    ...convergence(result),
  ]
}

function headline(result: SwarmResult): string[] {
  const { from, to, seeds, ok, violated, vacuous, operations } = result
  return [
    `seeds ${from}..${to}${stopped(result)}: ${grouped(ok)} ok, ${grouped(violated)} violated, ${grouped(vacuous)} vacuous`,
    `${rounded(result.wallMs / 1_000)} s on ${counted(result.workers, 'thread')}: ${rounded(result.seedsPerSecond)} seeds/s, ${grouped(result.simulatedMs / 1_000)} s simulated (${rounded(result.simulatedPerWall)}x)`,
    `${grouped(seeds === 0 ? 0 : result.events / seeds)} events and ${rounded(seeds === 0 ? 0 : operations.acked / seeds)} acknowledged operations a seed; traces ${result.traceHash}`,
  ]
}

function stopped({ stopped, violated }: SwarmResult): string {
  if (stopped === 'failures') return `, stopped after ${counted(violated, 'failure')}`
  return stopped === null ? '' : `, ${stopped}`
}

function counts(title: string, values: Readonly<Record<string, number>>): string[] {
  const rows = Object.entries(values)
  return rows.length === 0 ? [] : [`${title}:`, ...table(rows.map(([name, count]) => [name, count])), '']
}

/** Situations that came about, in so many seeds; those that never did are what the swarm has not tried. */
function facts(values: Readonly<Record<string, number>>): string[] {
  const hit = Object.fromEntries(Object.entries(values).filter(([, seeds]) => seeds > 0))
  const never = Object.keys(values).filter((name) => values[name] === 0)
  return [
    ...counts('Situations that came about, in so many seeds', hit),
    ...(never.length === 0 ? [] : ['Never came about:', ...never.map((name) => `  ${name}`), '']),
  ]
}

function convergence({ convergedMs, slowest }: SwarmResult): string[] {
  if (slowest.length === 0) return []
  const { p50, p90, p99, max } = convergedMs
  const seconds = (ms: number) => `${rounded(ms / 1_000)} s`
  return [
    `Equal after the heal within: ${seconds(p50)} (half), ${seconds(p90)} (90%), ${seconds(p99)} (99%), ${seconds(max)} (all)`,
    `Slowest seeds: ${slowest.map(({ seed, convergedMs }) => `${seed} (${seconds(convergedMs)})`).join(', ')}`,
  ]
}
