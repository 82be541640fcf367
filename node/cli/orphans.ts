// `sessionmesh orphans …`: sessions whose home has died, until somebody has made sure that their new home has the latest.
import type { Command } from 'commander'
import type { Orphaned } from '../api.ts'
import { queryOf, verb } from './verb.ts'

export function registerOrphans(program: Command): void {
  const orphans = program
    .command('orphans')
    .description('sessions whose home has died, and that nobody has adopted yet')
  verb(orphans, 'list', 'those that are here, and why', async (client, _args, { limit, after, json }) => {
    const page = Object.entries({ limit, after }).filter(([, value]) => typeof value === 'string')
    const answer = (await client.get(`/v1/orphans${queryOf(Object.fromEntries(page))}`)) as Orphaned
    return json === true ? answer : answer.sessions
  })
    .option('--limit <n>', 'at most so many (1000)')
    .option('--after <id>', 'only ids after this one, for paging')
  verb(orphans, 'adopt', 'makes sure now that who is to keep them has the latest that is known', (client) =>
    client.call('POST', '/v1/orphans'),
  )
}
