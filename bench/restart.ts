// How long a peer with very many small sessions takes to be back: makes a store, starts a real peer on it, and prints
// the time until it says that it is ready, the time until a session is read from it, and its resident memory.
//
//   npm run bench:restart -- 1000000
//
// Three starts: the first has no index yet and reads every session; the second comes after a clean stop; the third after
// SIGKILL in mid-write, when only what was busy is read as a whole.
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { systemClock } from '../node/ports/clock.ts'
import { delay } from '../node/util/timers.ts'
import { makeSmallSessions, smallSessionId } from './small-sessions.ts'

const ROOT = join(import.meta.dirname, '..')
/** Sessions written to before the process is killed. */
const BUSY = 5_000

const count = Number(process.argv[2] ?? 1_000_000)
if (!Number.isInteger(count) || count < 1) {
  console.error('usage: npm run bench:restart -- [sessions]')
  process.exit(1)
}
const directory = mkdtempSync(join(tmpdir(), 'sessionmesh-restart-'))
try {
  const startedAt = performance.now()
  await makeSmallSessions(join(directory, 'data/store'), count)
  console.log(`made ${count} sessions in ${Math.round(performance.now() - startedAt)} ms`)
  const results = [
    await measure('first start (no index)', stop),
    await measure('after a clean stop', killBusy),
    await measure('after SIGKILL', stop),
  ]
  console.table(results)
} finally {
  rmSync(directory, { recursive: true })
}

interface Started {
  readonly child: ChildProcess
  readonly url: string
}

async function measure(what: string, end: (started: Started) => Promise<void>): Promise<object> {
  const spawnedAt = performance.now()
  const started = await start()
  const readyMs = Math.round(performance.now() - spawnedAt)
  const response = await fetch(`${started.url}/v1/sessions/${smallSessionId(Math.floor(count / 2))}`)
  const view = (await response.json()) as { data?: { user?: string } }
  const firstReadMs = Math.round(performance.now() - spawnedAt)
  if (view.data?.user !== `user-${Math.floor(count / 2)}`) throw new Error(`wrong session: ${JSON.stringify(view)}`)
  await loaded(started)
  const loadedMs = Math.round(performance.now() - spawnedAt)
  const cpuMs = processorMs(started.child)
  const rssMb = residentMb(started.child)
  await end(started)
  return { what, sessions: count, readyMs, firstReadMs, loadedMs, cpuMs, rssMb }
}

/** Waits until the peer knows all its sessions. */
async function loaded({ url }: Started): Promise<void> {
  for (;;) {
    const { count: held } = (await (await fetch(`${url}/v1/sessions/count`)).json()) as { count: number }
    if (held === count) return
    await delay(systemClock, 100)
  }
}

async function start(): Promise<Started> {
  const flags = ['start', '--json', '--name=restart', `--data=${join(directory, 'data')}`, '--http=127.0.0.1:0']
  const child = spawn(process.execPath, [join(ROOT, 'node/cli/main.ts'), ...flags], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string]
  return { child, url: (JSON.parse(line) as { http: string }).http }
}

async function stop({ child }: Started): Promise<void> {
  child.kill('SIGTERM')
  await once(child, 'exit')
}

async function killBusy({ child, url }: Started): Promise<void> {
  const writes = Array.from({ length: BUSY }, (_, i) => ({ session: smallSessionId(i), set: { busy: i } }))
  await fetch(`${url}/v1/batch`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ writes }),
  })
  child.kill('SIGKILL')
  await once(child, 'exit')
}

/** Processor time of all its threads so far: what a busy machine does not change much. */
function processorMs({ pid }: ChildProcess): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
  return (Number(fields[11]) + Number(fields[12])) * 10
}

function residentMb({ pid }: ChildProcess): number {
  const [, kilobytes] = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
  return Math.round(Number(kilobytes) / 1024)
}
