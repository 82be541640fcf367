// Where damaged records go: `quarantine.jsonl` beside the database, a JSON object a line, for a person to look at.
// Nothing reads it back; what the records held comes again from the replicas.
import { createReadStream } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { isMissing } from '../util/files.ts'

/** A record that was set aside because its checksum or form was wrong. */
export interface DamagedRecord {
  /** Undefined if not even the key could be read. */
  readonly session: string | undefined
  readonly key: Uint8Array
  readonly value: Uint8Array
}

/** Part of a file of the database whose checksum was wrong: perhaps many records. */
export interface DamagedPart {
  readonly file: string
  readonly offset: number
  readonly value: Uint8Array
}

export class Quarantine {
  readonly #path: string

  constructor(directory: string) {
    this.#path = join(directory, 'quarantine.jsonl')
  }

  /** On disk when it resolves: the record is deleted from the database right after. */
  add({ session, key, value }: DamagedRecord): Promise<void> {
    return this.#append({ session, key: base64(key), value: base64(value) })
  }

  /** On disk when it resolves. */
  addBlock({ file, offset, value }: DamagedPart): Promise<void> {
    return this.#append({ file, offset, value: base64(value) })
  }

  async #append(entry: object): Promise<void> {
    const file = await open(this.#path, 'a', 0o600)
    try {
      await file.appendFile(`${JSON.stringify(entry)}\n`)
      await file.sync()
    } finally {
      await file.close()
    }
  }

  /** Entries set aside so far, until someone takes the file away. */
  async count(): Promise<number> {
    let lines = 0
    try {
      for await (const chunk of createReadStream(this.#path)) lines += countNewlines(chunk as Buffer)
    } catch (error) {
      if (!isMissing(error)) throw error
    }
    return lines
  }
}

function countNewlines(bytes: Buffer): number {
  let count = 0
  for (let at = bytes.indexOf(0x0a); at >= 0; at = bytes.indexOf(0x0a, at + 1)) count++
  return count
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')
}
