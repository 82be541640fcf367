// Damage by bytes: one flipped bit, one cut-off or missing file in a recorded data directory, a thousand times. Every open must
// either serve exactly what was stored, or say what is missing (report, quarantine, a STORE_ error) and serve nothing
// that was never written. Offsets are drawn from a seed that is printed with each failure.
import { rmSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { hasCode } from '../../crdt/errors.ts'
import type { StoredSession } from '../../node/ports/store.ts'
import { createLevelStore } from '../../node/store/level.ts'
import { damages, inflict, kindOf, type Damage } from '../support/damage.ts'
import { recordStore, textOf, type RecordedStore } from '../support/recorded-store.ts'

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
  for (const damage of damages(recorded.files, SEED, CASES)) {
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
