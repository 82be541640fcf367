// `rebuild`, `history` and `session revert`: the past of a session.
import type { Command } from 'commander'
import type { SessionHistory } from '../api.ts'
import { systemClock } from '../ports/clock.ts'
import { parseTime } from './time.ts'
import { sessionPath, verb, writeOptions } from './verb.ts'

export function registerReconstruction(program: Command): void {
  const rebuild = withPast(
    verb(program, 'rebuild [id]', 'a session from the log alone, now or as it was', (client, [id], options) =>
      client.call('POST', `${sessionPath(id)}/rebuild`, pastOf(options)),
    ),
  )
  verb(rebuild, 'verify <id>', 'whether the log gives what is being served (exit 1 if not)', async (client, [id]) => {
    const verified = (await client.call('POST', `${sessionPath(id)}/rebuild/verify`)) as { equal: boolean }
    if (!verified.equal) process.exitCode = 1
    return verified
  })
  verb(program, 'history <id>', 'who changed what, and when', async (client, [id], { limit, json }) => {
    const query = typeof limit === 'string' ? `?limit=${encodeURIComponent(limit)}` : ''
    const history = (await client.get(`${sessionPath(id)}/history${query}`)) as SessionHistory
    return json === true ? history : rowsOf(history)
  }).option('--limit <n>', 'the newest so many (100)')
}

/** @param session the `session` command, which it belongs to */
export function registerRevert(session: Command): Command {
  return withPast(
    verb(session, 'revert <id>', 'gives it the content it had, by a new change', (client, [id], options) =>
      client.call('POST', `${sessionPath(id)}/revert`, { ...pastOf(options), ...writeOptions(options) }),
    ),
  )
}

function withPast(command: Command): Command {
  return command
    .option('--at <time>', 'as it was then: 2026-08-01T12:00:00Z, or so long ago: 90s, 5m, 2h')
    .option('--snapshot <id>', 'as it is in this snapshot')
}

function pastOf({ at, snapshot }: Record<string, unknown>): object {
  return {
    ...(typeof at === 'string' ? { at: parseTime(at, systemClock.now()) } : {}),
    ...(typeof snapshot === 'string' ? { snapshot } : {}),
  }
}

/** A line for everything that a change did. */
function rowsOf({ entries }: SessionHistory): object[] {
  return entries.flatMap(({ at, by, name, via, changes }) => {
    const when = { time: new Date(at).toISOString(), by: name ?? by, via }
    const lines = changes.length === 0 ? ['(nothing that shows)'] : changes.map(({ text }) => text)
    return lines.map((change) => ({ ...when, change }))
  })
}
