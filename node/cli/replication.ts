// `sessionmesh replication …` and `sessionmesh sync …`.
import type { Command } from 'commander'
import type { ConsistencyReport, UnderReplicated } from '../api.ts'
import { withBar } from './bar.ts'
import type { AdminClient } from './client.ts'
import { verb } from './verb.ts'

export function registerReplication(program: Command): void {
  const replication = program.command('replication').description('how far replicas are, and making them catch up')
  verb(replication, 'status', 'replicas, lag, frames, refusals', (client) => client.get('/v1/replication'))
  verb(replication, 'lag', 'age of the oldest unacknowledged frame, ms', (client) => client.get('/v1/replication/lag'))
  verb(replication, 'progress', 'sessions equal on all replicas', (client) => client.get('/v1/replication/progress'))
  verb(replication, 'shards', 'how each shard is held, here and by those who should', (client) =>
    client.get('/v1/replication/shards'),
  )
  verb(
    replication,
    'under-replicated',
    'sessions that fewer live peers hold than should, and why',
    async (client, _args, { limit, after, json }) => {
      const query = new URLSearchParams()
      for (const [key, value] of Object.entries({ limit, after })) if (typeof value === 'string') query.set(key, value)
      const answer = (await client.get(`/v1/replication/under-replicated?${query}`)) as UnderReplicated
      return json === true ? answer : answer.sessions
    },
  )
    .option('--limit <n>', 'at most so many (1000)')
    .option('--after <id>', 'only ids after this one, for paging')
  long(replication, 'sync', 'compare and repair with every live peer now', 'peers compared', '/v1/replication/sync')
  long(
    replication,
    'ensure-synced',
    'wait until every live replica holds everything',
    'peers compared',
    '/v1/replication/ensure-synced',
  ).option('--timeout <ms>', 'give up after so long')
  verb(
    replication,
    'validate',
    'whether all live replicas have what this peer has (exit 1 if not)',
    async (client, _args, { json }) => {
      const report = (await ask(client, json, 'parts compared', '/v1/replication/validate', {})) as ConsistencyReport
      if (!report.consistent) process.exitCode = 1
      return report
    },
  )
  long(
    replication,
    'reconcile',
    'compare with all live replicas, and make both sides equal',
    'parts compared',
    '/v1/replication/reconcile',
  )
  registerSync(program.command('sync').description('what is on its way to other peers'))
}

function registerSync(sync: Command): void {
  verb(sync, 'status', 'how much is on its way', (client) => client.get('/v1/sync'))
  verb(sync, 'pending', 'what each peer has not got yet', (client) => client.get('/v1/sync/pending'))
  verb(
    sync,
    'force [to]',
    'compare and repair now with one peer (name or id), or all',
    (client, [to = 'all'], { json }) => ask(client, json, 'peers compared', '/v1/sync', { to }),
  )
}

/** A verb that takes long, with a bar. */
function long(parent: Command, usage: string, description: string, counted: string, path: string): Command {
  return verb(parent, usage, description, (client, _args, options) =>
    ask(client, options['json'], counted, path, timeoutOption(options)),
  )
}

function ask(client: AdminClient, json: unknown, counted: string, path: string, body: object): Promise<unknown> {
  return withBar(counted, json === true, (onProgress) => client.callLong('POST', path, body, onProgress))
}

export function timeoutOption({ timeout }: Record<string, unknown>): object {
  return typeof timeout === 'string' ? { timeoutMs: Number(timeout) } : {}
}
