// `sim list`: what there is to run, and what judges it.
import type { Command } from 'commander'
import { CHECKERS } from '../../checkers/index.ts'
import { scenario, scenarioNames } from '../../scenarios/load.ts'
import { SCENARIO_FAULT_KINDS } from '../../scenarios/fault-schema.ts'
import { printLines, table } from '../print.ts'

export function registerList(program: Command): void {
  program
    .command('list')
    .description('scenarios, checkers and faults')
    .option('--json', 'print one JSON object')
    .action(({ json }: { json?: boolean }) => {
      const scenarios = scenarioNames().map((name) => ({ name, shows: scenario(name).shows ?? '' }))
      const checkers = CHECKERS.map(({ name, violatedWhen }) => ({ name, violatedWhen }))
      if (json === true) return printLines([JSON.stringify({ scenarios, checkers, faults: SCENARIO_FAULT_KINDS })])
      printLines([
        'Scenarios:',
        ...table(scenarios.map(({ name, shows }) => [name, shows])),
        '',
        'Checkers, and when each calls a run violated:',
        ...table(checkers.map(({ name, violatedWhen }) => [name, violatedWhen])),
        '',
        `Faults: ${SCENARIO_FAULT_KINDS.join(', ')}`,
      ])
    })
}
