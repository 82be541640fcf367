// Who this peer is: a key kept in its store for ever, a boot id and a Yjs client id drawn at every start.
import { toHex } from '../crdt/index.ts'
import type { Clock } from './ports/clock.ts'
import type { Random } from './ports/random.ts'
import type { Store } from './ports/store.ts'

const SEED_KEY = 'identity-seed'
const SEED_BYTES = 32
const BOOT_KEY = 'boot'
/** Hexadecimal digits of a boot id: 12 of time (ms), so that boot ids sort, and 16 of chance. */
const BOOT_TIME_DIGITS = 12
const BOOT_RANDOM_BYTES = 8

/** The 32-byte seed of the peer's Ed25519 key, made on the first start. */
export async function identitySeed(store: Store, random: Random): Promise<Uint8Array> {
  const kept = await store.getMeta(SEED_KEY)
  if (kept !== undefined) return kept
  const seed = random.bytes(SEED_BYTES)
  await store.putMeta(SEED_KEY, seed)
  return seed
}

/**
 * The id of this start: later than that of every start before, also when the wall clock was put back meanwhile. The
 * others believe the newest boot; one that sorts before the last would be deaf to them for as long as the clock is
 * behind. On disk when it resolves.
 */
export async function nextBootId(store: Store, clock: Clock, random: Random): Promise<string> {
  const last = await store.getMeta(BOOT_KEY)
  const lastTime =
    last === undefined ? 0 : Number.parseInt(new TextDecoder().decode(last).slice(0, BOOT_TIME_DIGITS), 16)
  const time = Math.max(Math.floor(clock.now()), lastTime + 1)
  const boot = time.toString(16).padStart(BOOT_TIME_DIGITS, '0') + toHex(random.bytes(BOOT_RANDOM_BYTES))
  await store.putMeta(BOOT_KEY, new TextEncoder().encode(boot))
  return boot
}

/** A Yjs client id: 32 random bits, as Yjs itself draws them. */
export function newClientId(random: Random): number {
  return new DataView(random.bytes(4).buffer).getUint32(0)
}
