// From the settings to the place where snapshots are kept.
import { join } from 'node:path'
import { SessionMeshError } from '../../crdt/errors.ts'
import type { PeerConfig } from '../config.ts'
import type { Random } from '../ports/random.ts'
import type { SnapshotTarget } from '../ports/snapshot-target.ts'
import { createFileTarget } from './file-target.ts'

const S3 = 's3://'
const DIRECTORY = 'snapshots'

/** Undefined if there is no place for them. @throws INVALID_CONFIG */
export async function openTarget(config: PeerConfig, random: Random): Promise<SnapshotTarget | undefined> {
  const { dataDir, snapshotTarget } = config
  if (snapshotTarget === undefined) {
    return dataDir === undefined ? undefined : createFileTarget(join(dataDir, DIRECTORY), random)
  }
  if (!snapshotTarget.startsWith(S3)) return createFileTarget(snapshotTarget, random)
  const [, bucket = '', prefix = ''] = /^s3:\/\/([^/]*)\/?(.*)$/.exec(snapshotTarget) ?? []
  if (!/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(bucket)) {
    throw new SessionMeshError('INVALID_CONFIG', `snapshotTarget ${snapshotTarget}: expected s3://bucket/prefix`)
  }
  // Loaded only where it is wanted: the client library is larger than the rest of the peer.
  const { createS3Target } = await import('./s3-target.ts')
  return createS3Target({
    bucket,
    prefix: prefix === '' || prefix.endsWith('/') ? prefix : `${prefix}/`,
    region: config.snapshotS3Region,
    endpoint: config.snapshotS3Endpoint,
  })
}
