// `sim scale`: how the mesh behaves as it grows, measured.
import { writeFileSync } from 'node:fs'
import { InvalidArgumentError, type Command } from 'commander'
import { inMacrotask } from '../../run/in-macrotask.ts'
import { measureScale, type ScaleResult } from '../../scale/measure.ts'
import { plotScale } from '../../scale/plot.ts'
import { wholeNumber } from '../flags.ts'
import { printLines, rounded, table } from '../print.ts'
import { commandLine } from '../program.ts'

const SUSPICION_SHARE = 1.2
const SHARDS = 8

interface ScaleFlags {
  readonly peers: readonly number[]
  readonly sessions: number
  readonly heartbeat: number
  readonly seed: string
  readonly plot?: string
  readonly json?: boolean
}

interface Measured extends ScaleResult {
  /** What it took of this machine, all peers together: another each time. */
  readonly cpuSeconds: number
}

export function registerScale(program: Command): void {
  program
    .command('scale')
    .description('measure how the mesh behaves as it grows: joining, load, failure detection, repair')
    .option('--peers <list>', 'sizes to measure, smallest first', sizes, [5, 10, 20])
    .option('--sessions <n>', 'sessions written on both sides of a split', wholeNumber, 20)
    .option('--heartbeat <ms>', 'heartbeat interval; suspicion takes 1.2 times as long', wholeNumber, 500)
    .option('--seed <text>', 'what chance is drawn from', '1')
    .option('--plot <file>', 'draw the table as an SVG file')
    .option('--json', 'print one JSON object, on the last line')
    .addHelpText(
      'after',
      `
The work grows with more than the square of the number of peers, 200 take 5 minutes: docs/SCALE.md says why.

Examples:
  ${commandLine(['scale'])}
  ${commandLine(['scale', '--peers', '10,30,50', '--plot', 'scale.svg'])}`,
    )
    .action(async (flags: ScaleFlags) => {
      const results: Measured[] = []
      for (const peers of flags.peers) {
        const { heartbeat, seed, sessions } = flags
        const suspicionTimeoutMs = Math.round(heartbeat * SUSPICION_SHARE)
        const settings = { heartbeatIntervalMs: heartbeat, suspicionTimeoutMs, shardCount: SHARDS }
        if (flags.json !== true) process.stderr.write(`measuring ${peers} peers\n`)
        const before = process.cpuUsage()
        const result = await inMacrotask(() => measureScale({ peers, seed, sessions, ...settings }))
        const { user, system } = process.cpuUsage(before)
        results.push({ ...result, cpuSeconds: (user + system) / 1_000_000 })
      }
      if (flags.plot !== undefined) writeFileSync(flags.plot, plotScale(results))
      printLines(flags.json === true ? [JSON.stringify({ results })] : table(rows(results)))
    })
}

function rows(results: readonly Measured[]): string[][] {
  const head = [
    'peers',
    'joined ms',
    'messages/s',
    'kB/s',
    'false deaths',
    'death seen ms',
    'equal after heal ms',
    'repair kB',
    'CPU s',
  ]
  const body = results.map((result) => [
    String(result.peers),
    orDash(result.joinedMs),
    rounded(result.messagesPerSecond),
    rounded(result.bytesPerSecond / 1_000),
    String(result.falseDeaths),
    `${orDash(result.detectedFirstMs)} to ${orDash(result.detectedLastMs)}`,
    orDash(result.convergedMs),
    rounded(result.repairBytes / 1_000),
    rounded(result.cpuSeconds),
  ])
  return [head, ...body]
}

function orDash(value: number | null): string {
  return value === null ? 'never' : rounded(value)
}

function sizes(text: string): number[] {
  const list = text.split(',').map(Number)
  if (list.length === 0 || list.some((size) => !Number.isInteger(size) || size < 2)) {
    throw new InvalidArgumentError('expected numbers of peers from 2, such as 10,30,50')
  }
  return list
}
