// A store of format 1, byte for byte as version 0.1 wrote it: nothing here changes when the format does.
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { ClassicLevel } from 'classic-level'
import type { LogRecord } from '../../node/ports/store.ts'

/** Key and value, in hexadecimal: the version, a base and two records of `basket`, one of `cart`, the peer's seed. */
const ENTRIES: readonly [key: string, value: string][] = [
  ['66', '01'],
  ['736261736b65740062', '010203010203d179cf10'],
  ['736261736b6574006c0000000000000003', '010c313244334b6f6f577065657203623030034278bcfe5680080001044a490a4a'],
  ['736261736b6574006c0000000000000004', '010c313244334b6f6f577065657203623030044278bcfe56800800020506ea50579c'],
  ['7363617274006c0000000000000001', '010c313244334b6f6f577065657203623030014278bcfe5680080003070809beb5f979'],
  ['6d6964656e746974792d73656564', '01030908077a8d01d9'],
]

/** What was written there. */
export const FORMAT_1 = {
  sessions: ['basket', 'cart'],
  basket: {
    base: { session: 'basket', throughSequence: 2, update: new Uint8Array([1, 2, 3]) },
    tail: [record('basket', 3, [4]), record('basket', 4, [5, 6])],
  },
  seed: new Uint8Array([9, 8, 7]),
}

function record(session: string, sequence: number, update: number[]): LogRecord {
  const [origin, boot, time] = ['12D3KooWpeer', 'b00', 1_700_000_000_000.5]
  return { session, sequence, origin, boot, frameSequence: sequence, time, update: new Uint8Array(update) }
}

export async function writeFormat1(directory: string): Promise<void> {
  mkdirSync(directory, { recursive: true })
  const options = { keyEncoding: 'buffer', valueEncoding: 'buffer' }
  const database = new ClassicLevel<Buffer, Buffer>(join(directory, 'db'), options)
  await database.open()
  for (const [key, value] of ENTRIES) await database.put(Buffer.from(key, 'hex'), Buffer.from(value, 'hex'))
  await database.close()
}
