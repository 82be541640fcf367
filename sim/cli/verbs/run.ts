// `sim run`: one scenario, or one plan drawn from a seed.
import type { Command } from 'commander'
import { systemRandom } from '../../../node/ports/random.ts'
import { openSource } from '../../scenarios/source.ts'
import { conduct } from '../conduct.ts'
import { overrideFlags, overridesOf, seed, withOverrides, type OverrideFlags } from '../flags.ts'
import { commandLine } from '../program.ts'
import { parseShown, withTrace, type TraceFlag } from '../trace-flag.ts'

interface RunFlags extends OverrideFlags, TraceFlag {
  readonly seed?: number
  readonly out: string
  readonly report?: string
  readonly json?: boolean
}

/** Short enough to be typed again. */
const DRAWN_SEED_MAX = 1_000_000

export function registerRun(program: Command): void {
  const command = program
    .command('run [scenario]')
    .description('run a scenario by name or file; without one, what is drawn from the seed')
    .option('--seed <n>', 'what chance is drawn from (default: another each time)', seed)
  withTrace(withOverrides(command))
    .option('--out <dir>', 'where a failing run is saved', '.')
    .option('--report <file>', 'draw the run as one HTML page')
    .option('--json', 'print one JSON object, on the last line')
    .addHelpText(
      'after',
      `
Examples:
  ${commandLine(['run', 'split-halves'])}
  ${commandLine(['run', 'split-halves', '--peers', 9, '--seed', 7, '--trace'])}
  ${commandLine(['run', './my-scenario.yaml', '--json'])}
  ${commandLine(['run', '--seed', 42])}
  ${commandLine(['run', 'flapping', '--report', 'flapping.html'])}

Exit code: 0 ok, 1 violated (or a mistake in the command), 2 vacuous: nothing was tried.`,
    )
    .action(async (scenario: string | undefined, flags: RunFlags) => {
      const overrides = overridesOf(flags)
      const experimentOf = await openSource({ scenario, overrides })
      const chosen = flags.seed ?? Math.floor(systemRandom.float() * DRAWN_SEED_MAX)
      await conduct({
        experiment: experimentOf(chosen),
        scenario,
        again: [
          'run',
          ...(scenario === undefined ? [] : [scenario]),
          '--seed',
          String(chosen),
          ...overrideFlags(overrides),
        ],
        directory: flags.out,
        json: flags.json === true,
        trace: parseShown(flags),
        picture: flags.report,
      })
    })
}
