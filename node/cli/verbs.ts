// The verbs that ask a running peer over its HTTP admin.
import type { Command } from 'commander'
import { SessionMeshError } from '../../crdt/errors.ts'
import { withBar } from './bar.ts'
import type { AdminClient } from './client.ts'
import { expiryOptions, registerExpiry, withExpiry } from './expiry.ts'
import { validateIntegrity } from './integrity.ts'
import { registerReconstruction, registerRevert } from './reconstruction.ts'
import { registerOrphans } from './orphans.ts'
import { registerRecovery } from './recovery.ts'
import { registerReplication, timeoutOption } from './replication.ts'
import { registerSnapshots } from './snapshots.ts'
import { jsonOrText, queryOf, readOptions, sessionPath, verb, withReadOptions, writeOptions } from './verb.ts'

export function registerVerbs(program: Command): void {
  verb(program, 'status', 'who the peer is and what it holds', (client) => client.get('/v1/status'))
  verb(program, 'members', 'the mesh as this peer sees it', (client) => client.get('/v1/members'))
  verb(program, 'health', 'whether the peer is healthy (exit 1 if not)', (client, _args, { detailed }) =>
    client.get(detailed === true ? '/v1/health' : '/healthz'),
  ).option('--detailed', 'every check with its finding')
  verb(
    program,
    'integrity',
    'whether all that is on disk is what was logged (exit 1 if not)',
    (client, _args, { json }) => validateIntegrity(client, json === true),
  )
  verb(
    program,
    'purge',
    'removes what is left on disk of deleted sessions, as far as it may',
    (client, _args, { dryRun, json }) =>
      withBar('tombstones looked at', json === true, (onProgress) =>
        client.callLong('POST', '/v1/purge', { dryRun: dryRun === true }, onProgress),
      ),
  ).option('--dry-run', 'only say what would be done')
  registerSessions(program.command('sessions').description('count, sample and list sessions'))
  registerSession(program.command('session').description('create, read, change and terminate one session'))
  registerReplication(program)
  verb(program, 'drain', 'hand everything to the other peers, and keep nothing', (client, _args, options) =>
    handOver(client, options, { action: 'drain' }),
  ).option('--timeout <ms>', 'stop waiting after so long (300000)')
  registerFailover(
    program.command('failover').description('hand the homes of this peer to another, and take them back'),
  )
  registerSnapshots(program)
  registerOrphans(program)
  registerRecovery(program)
  registerReconstruction(program)
}

function registerSessions(sessions: Command): void {
  verb(sessions, 'count', 'how many sessions the peer holds', (client) => client.get('/v1/sessions/count'))
  verb(sessions, 'sample [n]', 'some random sessions (10)', (client, [n]) =>
    client.get(`/v1/sessions/sample?n=${n ?? 10}`),
  )
  verb(sessions, 'list', 'sessions in order of id', (client, _args, { priority, home, limit, after }) => {
    const query = new URLSearchParams()
    for (const [key, value] of Object.entries({ priority, home, limit, after })) {
      if (typeof value === 'string') query.set(key, value)
    }
    return client.get(`/v1/sessions?${query}`)
  })
    .option('--priority <priority>', 'only critical, high, normal or low ones')
    .option('--home <peer>', 'only those with this home (peer id)')
    .option('--limit <n>', 'at most so many (1000)')
    .option('--after <id>', 'only ids after this one, for paging')
}

function registerSession(session: Command): void {
  const create = withExpiry(
    verb(session, 'create [id]', 'a new session; without an id one is drawn', (client, [id], options) =>
      client.call('POST', '/v1/sessions', {
        ...(id === undefined ? {} : { id }),
        ...(typeof options['data'] === 'string' ? { data: parseJson(options['data'], '--data') } : {}),
        ...(typeof options['priority'] === 'string' ? { priority: options['priority'] } : {}),
        ...expiryOptions(options),
        ...writeOptions(options),
      }),
    )
      .option('--data <json>', 'its data, a JSON object')
      .option('--priority <priority>', 'critical, high, normal or low'),
  )
  withWriteOptions(create)
  for (const command of registerExpiry(session)) withReadOptions(withWriteOptions(command))
  withReadOptions(
    verb(session, 'get <id>', 'its data, home, digest and history', (client, [id], options) =>
      client.get(`${sessionPath(id)}/view${queryOf(readOptions(options))}`),
    ),
  )
  const set = verb(
    session,
    'set <id> <key> <value>',
    'sets one key (value: JSON, or else text)',
    (client, args, options) => {
      const [id, key = '', value = ''] = args
      return client.call('PATCH', sessionPath(id), { set: { [key]: jsonOrText(value) }, ...writeOptions(options) })
    },
  )
  const deletes = 'terminates the session, or deletes one key of it'
  const remove = verb(session, 'delete <id> [key]', deletes, (client, [id, key], options) =>
    key === undefined
      ? client.call('DELETE', `${sessionPath(id)}${queryOf(writeOptions(options))}`)
      : client.call('PATCH', sessionPath(id), { delete: [key], ...writeOptions(options) }),
  )
  for (const command of [set, remove]) withReadOptions(withWriteOptions(command))
  withWriteOptions(registerRevert(session))
}

function registerFailover(failover: Command): void {
  const ask =
    (action: string) =>
    (client: AdminClient, [to]: readonly string[], options: Record<string, unknown>) =>
      client.call('POST', '/v1/failover', { action, ...(to === undefined ? {} : { to }), ...timeoutOption(options) })
  verb(failover, 'status', 'homes by peer, and the delegate if there is one', (client) => client.get('/v1/failover'))
  verb(failover, 'execute <to>', 'hand all homes to another peer (name or id) now', ask('execute'))
  verb(failover, 'graceful <to>', 'the same, once it is proved that it holds everything', (client, [to], options) =>
    handOver(client, options, { action: 'graceful', to, snapshot: options['snapshot'] !== false }),
  )
    .option('--timeout <ms>', 'give up after so long (60000)')
    .option('--no-snapshot', 'do not take one before')
  verb(failover, 'failback', 'take homes and replicas back, also after a drain', ask('failback'))
  verb(failover, 'wait', 'until everything is handed over and every live peer knows of it', ask('wait')).option(
    '--timeout <ms>',
    'give up after so long',
  )
}

/** With a bar: how many sessions those who take over have proved to hold. */
function handOver(client: AdminClient, options: Record<string, unknown>, body: object): Promise<unknown> {
  return withBar('sessions handed over', options['json'] === true, (onProgress) =>
    client.callLong('POST', '/v1/failover', { ...body, ...timeoutOption(options) }, onProgress),
  )
}

function withWriteOptions(command: Command): Command {
  return command
    .option('--durability <copies>', "disks to wait for: a number, 'memory', 'local', 'quorum' or 'all'")
    .option('--strict', 'fail when fewer copies can be had')
}

/** @throws INVALID_ARGUMENT naming the option */
function parseJson(text: string, what: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new SessionMeshError('INVALID_ARGUMENT', `${what}: not JSON: ${text.slice(0, 80)}`, { cause })
  }
}
