// Damage by bytes: one flipped bit, one cut-off or missing file in a recorded data directory, a thousand times. Every open must
// either serve exactly what was stored, or say what is missing (report, quarantine, a STORE_ error) and serve nothing
// that was never written. Offsets are drawn from a seed that is printed with each failure.
import { rmSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { hasCode } from '../../crdt/errors.ts'
import type { StoredSession } from '../../node/ports/store.ts'
import { createLevelStore } from '../../node/store/level.ts'
import { inflict, randomOf, recordStore, textOf, type Damage, type RecordedStore } from '../support/recorded-store.ts'

const SEED = Number(process.env['FAULT_SEED'] ?? 1)
const CASES = Number(process.env['FAULT_CASES'] ?? 1_000)

let recorded: RecordedStore
beforeAll(async () => {
  recorded = await recordStore()
})
afterAll(() => recorded.remove())

interface Outcome {
  readonly verdict: 'intact' | 'reported' | 'refused' | 'silent' | 'wrong'
  readonly detail: string
}

test(`${CASES} flips, truncations and missing files, none of them silent`, async () => {
  const counts: Record<string, number> = {}
  const faults: string[] = []
  for (const damage of damages(SEED, CASES)) {
    const { verdict, detail } = await outcomeOf(damage)
    const row = `${kindOf(damage.path)} ${damage.kind} ${verdict}`
    counts[row] = (counts[row] ?? 0) + 1
    if (verdict === 'silent' || verdict === 'wrong') faults.push(`${JSON.stringify(damage)}: ${verdict}: ${detail}`)
  }
  process.stdout.write(`seed ${SEED}: ${JSON.stringify(counts, null, 2)}\n`)
  expect(faults).toEqual([])
}, 900_000)

async function outcomeOf(damage: Damage): Promise<Outcome> {
  const directory = recorded.copy()
  try {
    inflict(directory, damage)
    return await look(directory)
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

/** Opens the store and reads all of it. */
async function look(directory: string): Promise<Outcome> {
  const said: string[] = []
  const store = createLevelStore({ directory, onQuarantine: ({ session }) => said.push(`set aside: ${session}`) })
  const sessions = new Map<string, StoredSession>()
  try {
    const { damage } = await store.open()
    said.push(...damage)
    for await (const { session, stored } of store.sessions()) sessions.set(session, stored)
    const meta = await store.getMeta('identity')
    if (Buffer.compare(meta ?? new Uint8Array(), recorded.meta) !== 0) return { verdict: 'wrong', detail: 'identity' }
    // It must work, too.
    await store.append([...recorded.sessions.values()].flatMap(({ tail }) => tail.slice(0, 1)))
  } catch (error) {
    if (hasCode(error) && error.code.startsWith('STORE_')) return { verdict: 'refused', detail: error.message }
    throw error
  } finally {
    await store.close().catch(() => {})
  }
  return compare(sessions, said)
}

function compare(sessions: ReadonlyMap<string, StoredSession>, said: readonly string[]): Outcome {
  for (const { base, tail } of sessions.values()) {
    const strange = [...(base === undefined ? [] : [base]), ...tail].find(
      (record) => !recorded.written.has(textOf(record)),
    )
    if (strange !== undefined) return { verdict: 'wrong', detail: textOf(strange) }
  }
  const missing = [...recorded.sessions].find(([id, stored]) => !equal(stored, sessions.get(id)))
  if (missing === undefined && sessions.size === recorded.sessions.size) return { verdict: 'intact', detail: '' }
  return { verdict: said.length > 0 ? 'reported' : 'silent', detail: missing?.[0] ?? 'more sessions than were stored' }
}

function equal(one: StoredSession, other: StoredSession | undefined): boolean {
  const texts = ({ base, tail }: StoredSession) => [base, ...tail].map((record) => record && textOf(record)).join()
  return other !== undefined && texts(one) === texts(other)
}

/** Chosen places of every file first (its ends and around them), then random ones, larger files more often. */
function* damages(seed: number, count: number): Generator<Damage> {
  const random = randomOf(seed)
  const files = recorded.files.filter(({ bytes }) => bytes > 0)
  let made = 0
  for (const { path, bytes } of files) {
    yield { kind: 'remove', path }
    made++
    for (const at of [0, 1, 7, bytes - 48, bytes - 8, bytes - 1].filter((at) => at >= 0 && at < bytes)) {
      yield { kind: 'flip', path, at, bit: random(8) }
      yield { kind: 'truncate', path, at }
      made += 2
    }
  }
  const total = files.reduce((sum, { bytes }) => sum + bytes, 0)
  for (; made < count; made++) {
    // Half of them spread over the files alike: the manifest is small and matters most.
    let at = random(total)
    let file = files[random(files.length)]
    if (made % 2 === 0) file = files.find(({ bytes }) => (at -= bytes) < 0)
    if (file === undefined) continue
    at = random(file.bytes)
    if (made % 5 === 0) yield { kind: 'truncate', path: file.path, at }
    else yield { kind: 'flip', path: file.path, at, bit: random(8) }
  }
}

function kindOf(path: string): string {
  return path.replace(/\d+/g, '#')
}
