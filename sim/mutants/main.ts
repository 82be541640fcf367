// npm run sim:mutants: hunts all mutants and prints how many seeds each took. Exits with 1 if one got away.
import { parseArgs } from 'node:util'
import { availableParallelism } from 'node:os'
import { hunt, type Catch } from './hunt.ts'
import { MUTANTS } from './index.ts'
import type { Mutant } from './mutant.ts'

const HELP = `Usage: npm run sim:mutants -- [--seeds N] [--json] [NAME…]

Breaks the peer in one way after the other and shows that the simulator notices: how many
seeds it takes until the checker that guards the broken promise fires.

  --seeds N   give up on a mutant after so many seeds (default 200)
  --json      print one object instead of the table
`
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seeds: { type: 'string', default: '200' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})

if (values.help) process.stdout.write(HELP)
else process.exitCode = await main(Number(values.seeds))

async function main(seeds: number): Promise<number> {
  const chosen = MUTANTS.filter(({ name }) => positionals.length === 0 || positionals.includes(name))
  const unknown = positionals.filter((name) => !MUTANTS.some((mutant) => mutant.name === name))
  if (unknown.length > 0 || !(Number.isInteger(seeds) && seeds > 0)) {
    process.stderr.write(unknown.length > 0 ? `no mutant ${unknown.join(', ')}\n\n${HELP}` : HELP)
    return 2
  }
  const waiting = [...chosen]
  const catches = new Map<string, Catch>()
  const hunter = async () => {
    for (let mutant = waiting.shift(); mutant !== undefined; mutant = waiting.shift()) {
      const caught = await hunt(mutant, seeds)
      catches.set(mutant.name, caught)
      if (!values.json) process.stdout.write(row(mutant, caught))
    }
  }
  await Promise.all(Array.from({ length: availableParallelism() }, hunter))
  const survivors = chosen.filter(({ name }) => catches.get(name)?.violation === undefined).map(({ name }) => name)
  if (values.json) {
    const mutants = chosen.map(({ name, guard }) => ({ name, guard, ...catches.get(name) }))
    process.stdout.write(`${JSON.stringify({ mutants, survivors })}\n`)
  } else if (survivors.length > 0) process.stdout.write(`\nalive after ${seeds} seeds: ${survivors.join(', ')}\n`)
  return survivors.length > 0 ? 1 : 0
}

function row({ name, guard }: Mutant, { seeds, violation }: Catch): string {
  return `${name.padEnd(28)} ${guard.padEnd(22)} ${violation === undefined ? 'ALIVE' : String(seeds).padStart(5)}  ${(violation ?? '').slice(0, 100)}\n`
}
