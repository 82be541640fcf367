// Processes of the benchmark, and the way to talk to them: commands as lines of JSON into stdin, one line of JSON out of
// stdout for each. A child ends with its parent, however that ends, because its stdin closes.
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

type Answer = { readonly result: unknown } | { readonly error: string }

/** One process; commands are asked one at a time. */
export class Child {
  readonly #process: ChildProcess
  readonly #lines: AsyncIterator<string>

  /** @param script in this folder; its options are handed over as JSON */
  constructor(script: string, options: object) {
    const args = [...process.execArgv, join(import.meta.dirname, script), JSON.stringify(options)]
    this.#process = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] })
    if (this.#process.stdout === null) throw new Error('a child without stdout')
    this.#lines = createInterface({ input: this.#process.stdout })[Symbol.asyncIterator]()
  }

  async ask<T>(command: string, argument?: unknown): Promise<T> {
    this.#process.stdin?.write(`${JSON.stringify({ command, argument })}\n`)
    const { value, done } = (await this.#lines.next()) as { value: string; done?: boolean }
    if (done === true) throw new Error(`a process of the benchmark ended while it was asked to ${command}`)
    const answer = JSON.parse(value) as Answer
    if ('error' in answer) throw new Error(answer.error)
    return answer.result as T
  }

  /** Lets it end by itself. */
  async end(): Promise<void> {
    if (this.#process.exitCode !== null) return
    this.#process.stdin?.end()
    await once(this.#process, 'exit')
  }
}

/** What the parent handed over. */
export function childOptions<T>(): T {
  return JSON.parse(process.argv[2] ?? '{}') as T
}

/** Answers the parent's commands until it lets go; every child also tells its CPU time. */
export async function serveCommands(commands: Record<string, (argument: never) => unknown>): Promise<void> {
  const all: Record<string, (argument: never) => unknown> = { cpuMicroseconds, ...commands }
  for await (const line of createInterface({ input: process.stdin })) {
    const { command, argument } = JSON.parse(line) as { command: string; argument: never }
    let answer: Answer
    try {
      answer = { result: (await all[command]?.(argument)) ?? null }
    } catch (error) {
      answer = { error: error instanceof Error ? (error.stack ?? error.message) : String(error) }
    }
    process.stdout.write(`${JSON.stringify(answer)}\n`)
  }
  process.exit(0)
}

/** All threads of the process, the database's included. */
function cpuMicroseconds(): number {
  const { user, system } = process.cpuUsage()
  return user + system
}
