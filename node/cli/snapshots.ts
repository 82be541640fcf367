// `sessionmesh snapshot …`: views, files, and what is restored from them.
import type { Command } from 'commander'
import type { AdminClient } from './client.ts'
import { withBar } from './bar.ts'
import { verb } from './verb.ts'

export function registerSnapshots(program: Command): void {
  const snapshot = program.command('snapshot').description('take, check and restore snapshots of what the peer holds')
  verb(snapshot, 'create', 'takes a consistent view; writers go on', (client, _args, { auto }) =>
    client.call('POST', '/v1/snapshots', { kind: auto === true ? 'auto' : 'base' }),
  ).option('--auto', 'only what changed since the last one, if this process wrote one')
  verb(snapshot, 'persist <id>', 'writes a view as a file, whole or not at all', (client, [id], options) =>
    long(client, id, 'persist', options, 'sessions written'),
  )
  verb(snapshot, 'list', 'the files there are, newest first', (client) => client.get('/v1/snapshots'))
  verb(
    snapshot,
    'verify <id>',
    'reads all of it, and what it builds on (`latest`: the newest)',
    (client, [id], options) => long(client, id, 'verify', options, 'bytes verified'),
  )
  verb(
    snapshot,
    'restore <id>',
    'merges it into the mesh; newer writes stay (`latest`: the newest)',
    (client, [id], options) =>
      long(client, id, 'restore', options, 'bytes verified and restored', {
        ...(typeof options['session'] === 'string' ? { session: options['session'] } : {}),
        ...(options['dryRun'] === true ? { dryRun: true } : {}),
      }),
  )
    .option('--session <id>', 'only this session')
    .option('--dry-run', 'only count what would be done')
}

function long(
  client: AdminClient,
  id: string | undefined,
  action: string,
  options: Record<string, unknown>,
  what: string,
  body: object = {},
): Promise<unknown> {
  const path = `/v1/snapshots/${encodeURIComponent(id ?? '')}/${action}`
  return withBar(what, options['json'] === true, (onProgress) => client.callLong('POST', path, body, onProgress))
}
