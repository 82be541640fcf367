// `sessionmesh demo …`: the main job shown on real processes. Exit 1 on any loss.
import type { Command } from 'commander'
import { SessionMeshError } from '../../crdt/errors.ts'
import { demoFailover } from '../demo/failover.ts'
import { demoOutage } from '../demo/outage.ts'
import { createShow } from '../demo/show.ts'
import { demoStress } from '../demo/stress.ts'
import { print } from './print.ts'

interface DemoFlags {
  readonly sessions: string
  readonly rounds: string
  readonly kill?: boolean
  readonly json?: boolean
}

/** What every demo's report says of loss. */
interface Verdict {
  readonly sessionsBefore: number
  readonly sessionsAfter: number
  readonly lostAcknowledgedWrites: number
  readonly contentEqual: boolean
}

export function registerDemo(program: Command): void {
  const demo = program.command('demo').description('the main job, shown on three real processes on this machine')
  demo
    .command('failover')
    .description('100 sessions, one peer killed with SIGKILL in mid-write, nothing lost')
    .option('--sessions <n>', 'sessions to create', '100')
    .option('--json', 'print one JSON object and nothing else')
    .action(async (flags: DemoFlags) => {
      const sessions = count(flags.sessions, '--sessions')
      report(await demoFailover({ sessions }, createShow(flags.json === true)), flags)
    })
  demo
    .command('stress')
    .description('failover to a second peer and failback, round after round, under write load')
    .option('--sessions <n>', 'sessions to create', '10000')
    .option('--rounds <n>', 'failovers and failbacks', '10')
    .option('--kill', 'kill and restart the first peer in every round instead')
    .option('--json', 'print one JSON object and nothing else')
    .action(async (flags: DemoFlags) => {
      const options = {
        sessions: count(flags.sessions, '--sessions'),
        rounds: count(flags.rounds, '--rounds'),
        kill: flags.kill === true,
      }
      report(await demoStress(options, createShow(flags.json === true)), flags)
    })
  demo
    .command('outage')
    .description('all three peers killed with SIGKILL at once under write load, and started again, round after round')
    .option('--sessions <n>', 'sessions to create', '50000')
    .option('--rounds <n>', 'outages', '10')
    .option('--json', 'print one JSON object and nothing else')
    .action(async (flags: DemoFlags) => {
      const options = { sessions: count(flags.sessions, '--sessions'), rounds: count(flags.rounds, '--rounds') }
      report(await demoOutage(options, createShow(flags.json === true)), flags)
    })
}

function report(result: Verdict, flags: DemoFlags): void {
  print(result, flags.json)
  const { sessionsBefore, sessionsAfter, lostAcknowledgedWrites, contentEqual } = result
  const lossless = sessionsBefore === sessionsAfter && lostAcknowledgedWrites === 0 && contentEqual
  if (flags.json !== true) process.stdout.write(lossless ? 'nothing lost\n' : 'LOSS\n')
  if (!lossless) process.exitCode = 1
}

/** @throws INVALID_ARGUMENT */
function count(text: string, option: string): number {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 1) {
    throw new SessionMeshError('INVALID_ARGUMENT', `${option} ${text}: expected a whole number from 1`)
  }
  return value
}
