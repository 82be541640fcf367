// What a run has shown, for people: the verdict on one line, then how fast it was and how to see it again.
import type { RunResult } from '../run/run.ts'
import type { RunReport } from './conduct.ts'
import { counted, grouped, rounded } from './print.ts'
import { commandLine } from './program.ts'

const INDENT = ' '.repeat(10)

export function verdictLines(result: RunResult, report: RunReport): string[] {
  const { verdict, violations } = result
  const what = `${report.scenario ?? result.plan.name}, seed ${report.seed}`
  const lines = violations.map(({ checker, at, message, machines }) => {
    const where = machines.length === 0 ? '' : ` on ${machines.join(', ')}`
    return `${what}: ${checker} at ${(at / 1_000_000).toFixed(3)} s${where}: ${message}`
  })
  if (verdict === 'ok') lines.push(`${what}: ${summary(result)}`)
  if (verdict === 'vacuous') lines.push(`${what}: ${reasonOf(result)}: it has shown nothing`)
  const [first = '', ...others] = lines
  return [`${verdict.padEnd(9)} ${first}`, ...[...others, ...afterwards(result, report)].map((line) => INDENT + line)]
}

function summary({ plan, operations, convergedMs, faults }: RunResult): string {
  const count = Object.values(faults).reduce((sum, value) => sum + value, 0)
  const sessions = new Set(plan.operations.map(({ session }) => session)).size
  return [
    [counted(plan.machines.length, 'peer'), counted(sessions, 'session'), counted(count, 'fault')].join(', '),
    `${grouped(operations.acked)} of ${grouped(plan.operations.length)} operations acknowledged`,
    `equal ${rounded((convergedMs ?? 0) / 1_000)} s after the heal`,
  ].join('; ')
}

function reasonOf({ operations, faults }: RunResult): string {
  if (operations.acked === 0) return 'no operation was acknowledged'
  return Object.keys(faults).length === 0 ? 'none of its faults began' : 'nothing was tried'
}

function afterwards(result: RunResult, report: RunReport): string[] {
  const { simulatedMs, traceHash } = result
  const speed = `${rounded(simulatedMs / 1_000)} s simulated in ${rounded(report.wallMs / 1_000)} s (${rounded(report.simulatedPerWall)}x)`
  const lines = [`${speed}, ${grouped(report.events)} events, trace ${traceHash}`]
  if (report.sameTrace === true) lines.push('the same trace as when it was saved')
  if (report.sameTrace === false) lines.push('not the trace that was saved: the code has changed since')
  lines.push(`again:   ${report.replay}`)
  if (report.report !== null) lines.push(`picture: ${report.report}`)
  if (report.file !== null) lines.push(`smaller: ${commandLine(['shrink', report.file])}`)
  return lines
}
