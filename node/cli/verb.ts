// A verb: one call to a running peer's HTTP admin, whose answer is what is printed.
import type { Command } from 'commander'
import { AdminClient } from './client.ts'
import { print } from './print.ts'

export const HTTP_DEFAULT = '127.0.0.1:7700'

interface VerbOptions {
  readonly http: string
  readonly token?: string
  readonly json?: boolean
}

type Ask = (client: AdminClient, args: readonly string[], options: Record<string, unknown>) => Promise<unknown>

/** Registers a verb that prints what `ask` answers. */
export function verb(parent: Command, usage: string, description: string, ask: Ask): Command {
  return parent
    .command(usage)
    .description(description)
    .option('--http <host:port>', 'HTTP address of the peer', process.env['SESSIONMESH_HTTP'] ?? HTTP_DEFAULT)
    .option('--token <token>', 'bearer token, if the peer asks for one', process.env['SESSIONMESH_HTTP_TOKEN'])
    .option('--json', 'print one line of JSON')
    .action(async (...received: unknown[]) => {
      const command = received.at(-1) as Command
      // With those of the verb above it: `rebuild` takes the options of `rebuild verify` for its own.
      const options = command.optsWithGlobals<VerbOptions & Record<string, unknown>>()
      const args = command.args
      const answer = await ask(new AdminClient(options), args, options)
      print(answer, options.json)
      if (typeof answer === 'object' && answer !== null && 'healthy' in answer && answer.healthy === false) {
        process.exitCode = 1
      }
    })
}

export function writeOptions(options: Record<string, unknown>): object {
  const { durability, strict } = options
  return {
    ...(typeof durability === 'string' ? { durability: jsonOrText(durability) } : {}),
    ...(strict === true ? { strict } : {}),
    ...readOptions(options),
  }
}

/** What reads take, and writes that follow a read. */
export function withReadOptions(command: Command): Command {
  return command
    .option('--after <token>', 'first wait until all is here that this token, of an earlier answer, stands for')
    .option('--freshness <how>', "'quorum': first ask the live replicas for what they have")
    .option('--timeout <ms>', 'give up after so long (5000)')
}

export function readOptions({ after, freshness, timeout }: Record<string, unknown>): object {
  return {
    ...(typeof after === 'string' ? { after } : {}),
    ...(typeof freshness === 'string' ? { freshness } : {}),
    ...(typeof timeout === 'string' ? { timeoutMs: Number(timeout) } : {}),
  }
}

/** The options as a query string, with its question mark. */
export function queryOf(options: object): string {
  const query = new URLSearchParams(Object.entries(options).map(([key, value]) => [key, String(value)]))
  return query.size === 0 ? '' : `?${query}`
}

export function sessionPath(id: string | undefined): string {
  return `/v1/sessions/${encodeURIComponent(id ?? '')}`
}

export function jsonOrText(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
