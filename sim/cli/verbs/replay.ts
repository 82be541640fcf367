// `sim replay`: a saved run, again.
import type { Command } from 'commander'
import { readRun } from '../../run/saved-run.ts'
import { ownCodeOf } from '../../scenarios/source.ts'
import { conduct } from '../conduct.ts'
import { commandLine } from '../program.ts'
import { parseShown, withTrace, type TraceFlag } from '../trace-flag.ts'

interface ReplayFlags extends TraceFlag {
  readonly report?: string
  readonly json?: boolean
}

export function registerReplay(program: Command): void {
  withTrace(program.command('replay <file>').description('run a saved failure again, event for event'))
    .option('--report <file>', 'draw the run as one HTML page')
    .option('--json', 'print one JSON object, on the last line')
    .addHelpText(
      'after',
      `
Examples:
  ${commandLine(['replay', 'failure-42.json'])}
  ${commandLine(['replay', 'failure-42.json', '--trace', 'fault,crash,ack,violation'])}

Exit code: 0 ok, 1 violated (or a mistake in the command), 2 vacuous.`,
    )
    .action(async (file: string, flags: ReplayFlags) => {
      const saved = readRun(file)
      await conduct({
        experiment: { plan: saved.plan, own: await ownCodeOf(saved) },
        scenario: saved.scenario ?? undefined,
        again: ['replay', file],
        directory: undefined,
        json: flags.json === true,
        trace: parseShown(flags),
        picture: flags.report,
        expectedHash: saved.traceHash,
      })
    })
}
