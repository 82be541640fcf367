// Group commit: what is gathered, in which order it is durable, and what a failure does to the rest.
import { expect, test } from 'vitest'
import { SessionMeshError } from '../../../crdt/errors.ts'
import { GroupCommit, type Change, type Operation } from '../../../node/store/group-commit.ts'

const toError = (cause: unknown) => new SessionMeshError('STORE_FAILED', 'the disk failed', { cause })
const put =
  (name: string, bytes = 1): Change =>
  (batch) =>
    batch.put('s', Buffer.from(name), new Uint8Array(bytes))

/** A disk whose writes end when told to. */
class SlowDisk {
  readonly batches: string[][] = []
  #end: ((error?: Error) => void) | undefined

  readonly write = (operations: Operation[]): Promise<void> => {
    this.batches.push(operations.map(({ key }) => Buffer.from(key).toString()))
    return new Promise((resolve, reject) => {
      this.#end = (error) => (error === undefined ? resolve() : reject(error))
    })
  }

  end(error?: Error): void {
    this.#end?.(error)
  }
}

test('what comes while a batch is written goes together into the next, in order', async () => {
  const disk = new SlowDisk()
  const commits = new GroupCommit({ write: disk.write, toError })
  const first = [commits.commit(put('a')), commits.commit(put('b'))]
  await Promise.resolve()
  const second = ['c', 'd', 'e'].map((name) => commits.commit(put(name)))
  expect(disk.batches).toEqual([['a', 'b']])
  disk.end()
  await Promise.all(first)
  expect(disk.batches).toEqual([
    ['a', 'b'],
    ['c', 'd', 'e'],
  ])
  disk.end()
  await Promise.all(second)
})

test('after a failed write nothing is written or promised any more', async () => {
  const disk = new SlowDisk()
  const commits = new GroupCommit({ write: disk.write, toError })
  const first = commits.commit(put('a'))
  await Promise.resolve()
  const behind = commits.commit(put('b'))
  const cause = new Error('EIO')
  disk.end(cause)
  await expect(first).rejects.toMatchObject({ code: 'STORE_FAILED', cause })
  await expect(behind).rejects.toMatchObject({ code: 'STORE_FAILED', cause })
  await expect(commits.commit(put('c'))).rejects.toMatchObject({ code: 'STORE_FAILED', cause })
  await commits.idle()
  expect(disk.batches).toEqual([['a']])
})

test('a change that fails to read takes its group with it, unwritten', async () => {
  const disk = new SlowDisk()
  const commits = new GroupCommit({ write: disk.write, toError })
  const failing = commits.commit(() => Promise.reject(new Error('EIO')))
  const settled = await Promise.allSettled([commits.commit(put('a')), failing, commits.commit(put('b'))])
  expect(settled.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected'])
  expect(disk.batches).toEqual([])
})

test('a batch is bounded in bytes and in operations', async () => {
  const sizes: number[] = []
  const commits = new GroupCommit({ write: async (operations) => void sizes.push(operations.length), toError })
  const mebibytes = Array.from({ length: 10 }, (_, i) => commits.commit(put(`m${i}`, 1024 * 1024)))
  await Promise.all(mebibytes)
  expect(sizes).toEqual([4, 4, 2])
  await Promise.all(Array.from({ length: 5_000 }, (_, i) => commits.commit(put(`s${i}`))))
  expect(sizes.slice(3)).toEqual([4_096, 904])
})

test('a change sees the keys of its session that the batch holds already', async () => {
  const seen: string[][] = []
  const commits = new GroupCommit({ write: async () => {}, toError })
  const look: Change = (batch) => {
    seen.push(batch.keysOf('s').map((key) => Buffer.from(key).toString()))
  }
  await Promise.all([commits.commit(put('a')), commits.commit(put('b')), commits.commit(look)])
  await commits.commit(look)
  expect(seen).toEqual([['a', 'b'], []])
})
