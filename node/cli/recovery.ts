// `sessionmesh recovery …`: how far the peer is after its start, and what comes first.
import type { Command } from 'commander'
import { SessionMeshError } from '../../crdt/errors.ts'
import type { RecoveryProgress } from '../api.ts'
import { systemClock } from '../ports/clock.ts'
import { delay } from '../util/timers.ts'
import { withBar } from './bar.ts'
import type { AdminClient } from './client.ts'
import { verb } from './verb.ts'

const LOOK_INTERVAL_MS = 100

export function registerRecovery(program: Command): void {
  const recovery = program.command('recovery').description('how sessions are looked at after a start')
  verb(recovery, 'stats', 'what it found so far', (client) => client.get('/v1/recovery/stats'))
  verb(recovery, 'progress', 'how far it is, by stage', async (client, _args, { wait, json }) =>
    shown(wait === true ? await finished(client, json === true) : await progressOf(client), json),
  ).option('--wait', 'until it is through')
  verb(recovery, 'prioritize <ids...>', 'takes these sessions before all others', (client, ids) =>
    client.call('POST', '/v1/recovery/prioritize', { sessions: ids }),
  )
  verb(recovery, 'accept', 'shows what a peer holds that was away too long and meets no other', (client) =>
    client.call('POST', '/v1/recovery/accept'),
  )
  verb(
    recovery,
    'staged <stages...>',
    'goes on by these stages: critical=0 high=1000 (ms)',
    async (client, stages, options) =>
      shown(
        (await client.call('POST', '/v1/recovery/staged', { stages: stages.map(parseStage) })) as RecoveryProgress,
        options['json'],
      ),
  )
}

async function progressOf(client: AdminClient): Promise<RecoveryProgress> {
  return (await client.get('/v1/recovery')) as RecoveryProgress
}

function finished(client: AdminClient, quiet: boolean): Promise<RecoveryProgress> {
  return withBar('sessions recovered', quiet, async (onProgress) => {
    for (;;) {
      const progress = await progressOf(client)
      onProgress(progress)
      if (!progress.running) return progress
      await delay(systemClock, LOOK_INTERVAL_MS)
    }
  })
}

/** People get a line a stage. */
function shown(progress: RecoveryProgress, json: unknown): unknown {
  return json === true ? progress : progress.stages
}

/** @throws INVALID_ARGUMENT */
function parseStage(text: string): { priority: string; delay: number } {
  const [, priority = '', delayMs = '0'] = /^(\w+)(?:=(\d+))?$/.exec(text) ?? []
  if (priority !== '') return { priority, delay: Number(delayMs) }
  throw new SessionMeshError('INVALID_ARGUMENT', `stage ${text}: expected PRIORITY=MS such as high=1000`)
}
