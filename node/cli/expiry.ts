// When sessions end by themselves, on the command line: `session touch`, `session expiry`, and options of `session create`.
import type { Command } from 'commander'
import { systemClock } from '../ports/clock.ts'
import { parseDuration, parseFuture } from './time.ts'
import { sessionPath, verb, writeOptions } from './verb.ts'

/** In place of a duration or time: it is taken away. */
const NEVER = 'never'

/** Returns the commands that take the options of writes. @param session the `session` command, which they belong to */
export function registerExpiry(session: Command): Command[] {
  return [
    verb(session, 'touch <id>', 'pushes the end of a session with a ttl on', (client, [id], options) =>
      client.call('POST', `${sessionPath(id)}/touch`, writeOptions(options)),
    ),
    withExpiry(
      verb(session, 'expiry <id>', 'sets when the session ends by itself', (client, [id], options) =>
        client.call('PATCH', sessionPath(id), { ...expiryOptions(options), ...writeOptions(options) }),
      ),
    ),
  ]
}

export function withExpiry(command: Command): Command {
  return command
    .option('--ttl <duration>', 'how long it may lie without a write or a touch: 30m, 7d, or never')
    .option('--expires-at <time>', 'when it ends in any case: a time, from now on (2h), or never')
}

/** @throws INVALID_ARGUMENT naming what is no duration or time */
export function expiryOptions({ ttl, expiresAt }: Record<string, unknown>): object {
  const at = (text: string) => parseFuture(text, systemClock.now())
  return {
    ...(typeof ttl === 'string' ? { ttlMs: ttl === NEVER ? null : parseDuration(ttl) } : {}),
    ...(typeof expiresAt === 'string' ? { expiresAt: expiresAt === NEVER ? null : at(expiresAt) } : {}),
  }
}
