// The three places for snapshots keep the port's promises; what is peculiar to each comes after.
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { SnapshotTarget } from '../../node/ports/snapshot-target.ts'
import { systemRandom } from '../../node/ports/random.ts'
import { createFileTarget } from '../../node/snapshots/file-target.ts'
import { createMemoryTarget } from '../../node/snapshots/memory-target.ts'
import { createS3Target } from '../../node/snapshots/s3-target.ts'
import { runSnapshotTargetContract } from '../contract/snapshot-target.contract.ts'
import { CREDENTIALS, startS3Server, type S3Server } from '../support/s3-server.ts'

let root: string
let server: S3Server
let count = 0

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'sessionmesh-targets-'))
  server = await startS3Server()
})

afterAll(async () => {
  await server.close()
  await rm(root, { recursive: true, force: true })
})

const bucket = (options: { prefix?: string; secretAccessKey?: string } = {}): SnapshotTarget => {
  const { prefix = `peer-${count++}/`, secretAccessKey = CREDENTIALS.secretAccessKey } = options
  const credentials = { ...CREDENTIALS, secretAccessKey }
  return createS3Target({ bucket: server.bucket, prefix, region: 'eu-west-1', endpoint: server.endpoint, credentials })
}
const directory = (): SnapshotTarget => createFileTarget(join(root, `target-${count++}`), systemRandom)

runSnapshotTargetContract('memory', async () => createMemoryTarget())
runSnapshotTargetContract('directory', async () => directory())
runSnapshotTargetContract('bucket', async () => bucket())

async function* of(...parts: Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* parts
}

test('a directory: what a dead writer left half done of our own is removed, that of others stays', async () => {
  const target = directory()
  await target.open(() => true)
  const left = ['mine-1.snapshot.00ff00ff.partial', 'other-1.snapshot.00ff00ff.partial', 'mine-2.snapshot']
  for (const name of left) await writeFile(join(target.place, name), 'x')
  await target.open((name) => name.startsWith('mine'))
  expect((await readdir(target.place)).toSorted()).toEqual([left[2], left[1]])
  expect(await target.list()).toEqual([{ name: 'mine-2.snapshot', bytes: 1 }])
})

test('a directory that can not be made is a clear error', async () => {
  await writeFile(join(root, 'file'), '')
  const target = createFileTarget(join(root, 'file', 'inside'), systemRandom)
  await expect(target.open(() => true)).rejects.toMatchObject({ code: 'SNAPSHOT_TARGET_FAILED' })
})

test('a bucket: prefixes keep meshes apart', async () => {
  const [one, other] = [bucket({ prefix: 'a/' }), bucket({ prefix: 'a/b/' })]
  await one.put('x', of(new Uint8Array([1])))
  await other.put('y', of(new Uint8Array([1])))
  expect((await one.list()).map(({ name }) => name)).toEqual(['x'])
})

test('a bucket: a download that breaks off goes on where it stopped', async () => {
  const target = bucket()
  const bytes = new Uint8Array(50_000).map((_, i) => i * 13)
  await target.put('a', of(bytes))
  server.cutOff(2)
  const parts: Uint8Array[] = []
  for await (const chunk of target.get('a')) parts.push(chunk)
  expect(Buffer.compare(Buffer.concat(parts), bytes)).toBe(0)
})

test('a bucket: wrong credentials and a bucket that is not there are clear errors', async () => {
  const before = server.refused()
  const wrong = bucket({ secretAccessKey: 'wrong' })
  await expect(wrong.open(() => true)).rejects.toMatchObject({ code: 'SNAPSHOT_TARGET_FAILED' })
  await expect(wrong.list()).rejects.toMatchObject({ code: 'SNAPSHOT_TARGET_FAILED' })
  await expect(wrong.put('a', of(new Uint8Array([1])))).rejects.toMatchObject({ code: 'SNAPSHOT_TARGET_FAILED' })
  expect(server.refused()).toBeGreaterThan(before)
  const options = { prefix: '', region: 'eu-west-1', endpoint: server.endpoint, credentials: CREDENTIALS }
  const missing = createS3Target({ bucket: 'none', ...options })
  await expect(missing.open(() => true)).rejects.toMatchObject({ code: 'SNAPSHOT_TARGET_FAILED' })
})
