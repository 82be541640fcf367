#!/usr/bin/env node
// `npm run sim -- …`, and `sessionmesh sim …` once installed: runs, swarms, replays and shrinks simulations.
//
// Exit codes: 0 nothing was violated; 1 something was, or the command was wrong; 2 a run was vacuous; 130 interrupted.
import { Command } from 'commander'
import { hasCode } from '../../crdt/errors.ts'
import { PROGRAM } from './program.ts'
import { VERBS } from './verbs/index.ts'

const program = new Command(PROGRAM)
  .description('Runs real peers under partitions, crashes and loss, on virtual time, from a seed.')
  .showHelpAfterError('(add --help for the options and examples)')
for (const register of VERBS) register(program)

// Whoever reads may have seen enough: `sim run --trace | head`.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
  process.exit()
})

try {
  await program.parseAsync()
} catch (error) {
  process.stderr.write(`sim: ${hasCode(error) ? `${error.code}: ${error.message}` : describe(error)}\n`)
  process.exitCode = 1
}

/** What is no error of the caller's comes with its stack. */
function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
