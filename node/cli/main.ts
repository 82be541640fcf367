#!/usr/bin/env node
// The command line: `start` runs a peer, `demo` shows the main job, `sim` tries peers in a simulated world,
// every other verb asks a running peer.
import { Command } from 'commander'
import { hasCode } from '../../crdt/errors.ts'
import { registerDemo } from './demo.ts'
import { registerStart } from './start.ts'
import { registerVerbs } from './verbs.ts'

const program = new Command('sessionmesh')
  .description('A leaderless session mesh: sessions survive the death of any peer.')
  .showHelpAfterError()
registerStart(program)
registerVerbs(program)
registerDemo(program)
// A program of its own, because nothing here may import sim/.
program.command('sim', 'run peers under partitions, crashes and loss in a simulated world', {
  executableFile: '../../sim/cli/main',
})

try {
  await program.parseAsync()
} catch (error) {
  const message = oneLine(error instanceof Error ? error.message : String(error))
  process.stderr.write(`sessionmesh: ${hasCode(error) ? `${error.code}: ` : ''}${message}\n`)
  process.exit(1)
}

/** Some libraries put whole stack traces into their messages. */
function oneLine(message: string): string {
  const lines = message.split('\n').map((line) => line.trim())
  return lines.filter((line) => line !== '' && !line.startsWith('at ')).join(' ')
}
