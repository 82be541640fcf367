// Snapshots in an S3-compatible bucket. An object is there whole or not at all: that is S3's own promise; parts of an
// upload that was given up are not objects. Loaded only where a bucket is configured.
import { Readable } from 'node:stream'
import {
  AbortMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadBucketCommand,
  ListMultipartUploadsCommand,
  paginateListObjectsV2,
  S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3'
import { Upload } from '@aws-sdk/lib-storage'
import { hasCode, SessionMeshError } from '../../crdt/index.ts'
import type { SnapshotFile, SnapshotTarget } from '../ports/snapshot-target.ts'

/** Memory of an upload: parts under way times the size of a part. S3 takes 10,000 parts. */
const PART_BYTES = 8 * 1024 * 1024
const PARTS_AT_ONCE = 2
/** How often a download that breaks off goes on where it stopped. */
const RESUMES_MAX = 5

export interface S3TargetOptions {
  readonly bucket: string
  /** Of every key; empty or ending in a slash. */
  readonly prefix: string
  readonly region: string
  /** Of an S3-compatible server, whose buckets are then addressed by path; AWS without one. */
  readonly endpoint?: string | undefined
  /** @default where the AWS tools look: environment, configuration files, the machine's role */
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string } | undefined
}

export function createS3Target(options: S3TargetOptions): SnapshotTarget {
  return new S3Target(options)
}

class S3Target implements SnapshotTarget {
  readonly place: string
  readonly #bucket: string
  readonly #prefix: string
  readonly #client: S3Client

  constructor({ bucket, prefix, region, endpoint, credentials }: S3TargetOptions) {
    this.place = `s3://${bucket}/${prefix}`
    this.#bucket = bucket
    this.#prefix = prefix
    this.#client = new S3Client({
      region,
      ...(endpoint === undefined ? {} : { endpoint, forcePathStyle: true }),
      ...(credentials === undefined ? {} : { credentials }),
      // Our own checksums are in the file; S3-compatible servers do not all know the newer ones of AWS.
      requestChecksumCalculation: 'WHEN_REQUIRED',
      responseChecksumValidation: 'WHEN_REQUIRED',
    })
  }

  open(isOwn: (name: string) => boolean): Promise<void> {
    return this.#reporting('opening', async () => {
      await this.#client.send(new HeadBucketCommand({ Bucket: this.#bucket }))
      await this.#abortLeftUploads(isOwn).catch(ignoreUnsupported)
    })
  }

  async put(name: string, chunks: AsyncIterable<Uint8Array>): Promise<void> {
    const source: { failure?: unknown } = {}
    const upload = new Upload({
      client: this.#client,
      params: { Bucket: this.#bucket, Key: this.#prefix + name, Body: Readable.from(noting(chunks, source)) },
      partSize: PART_BYTES,
      queueSize: PARTS_AT_ONCE,
    })
    // When it fails it removes its parts; that may fail too, and must not hide why.
    await this.#reporting('writing', () => upload.done()).catch((error: unknown) => {
      throw source.failure ?? error
    })
  }

  async *get(name: string, from = 0): AsyncGenerator<Uint8Array, void, undefined> {
    let at = from
    for (let resumes = 0; ; resumes++) {
      try {
        for await (const chunk of await this.#body(name, at)) {
          at += chunk.length
          yield chunk
        }
        return
      } catch (error) {
        // What the store says is final; a connection that broke is not, least of all while others of a chain are read.
        if (hasCode(error) || error instanceof S3ServiceException || resumes >= RESUMES_MAX) {
          throw this.#error('reading', error)
        }
      }
    }
  }

  list(): Promise<readonly SnapshotFile[]> {
    return this.#reporting('listing', async () => {
      const files: SnapshotFile[] = []
      const pages = paginateListObjectsV2({ client: this.#client }, { Bucket: this.#bucket, Prefix: this.#prefix })
      for await (const { Contents = [] } of pages) {
        for (const { Key = '', Size = 0 } of Contents) {
          const name = Key.slice(this.#prefix.length)
          if (name !== '' && !name.includes('/')) files.push({ name, bytes: Size })
        }
      }
      return files.toSorted((a, b) => (a.name < b.name ? -1 : 1))
    })
  }

  async remove(name: string): Promise<void> {
    await this.#reporting('removing', () =>
      this.#client.send(new DeleteObjectCommand({ Bucket: this.#bucket, Key: this.#prefix + name })),
    )
  }

  /** The object's bytes from `from` on; none if that is its end. */
  async #body(name: string, from: number): Promise<AsyncIterable<Uint8Array>> {
    try {
      const range = from === 0 ? {} : { Range: `bytes=${from}-` }
      const { Body } = await this.#client.send(
        new GetObjectCommand({ Bucket: this.#bucket, Key: this.#prefix + name, ...range }),
      )
      return Body instanceof Readable ? (Body as AsyncIterable<Uint8Array>) : nothing()
    } catch (cause) {
      if (statusOf(cause) === 416) return nothing()
      if (statusOf(cause) !== 404) throw cause
      throw new SessionMeshError('SNAPSHOT_NOT_FOUND', `no file ${name} in ${this.place}`, { cause })
    }
  }

  async #abortLeftUploads(isOwn: (name: string) => boolean): Promise<void> {
    const { Uploads = [] } = await this.#client.send(
      new ListMultipartUploadsCommand({ Bucket: this.#bucket, Prefix: this.#prefix }),
    )
    for (const { Key = '', UploadId } of Uploads) {
      if (!isOwn(Key.slice(this.#prefix.length))) continue
      await this.#client.send(new AbortMultipartUploadCommand({ Bucket: this.#bucket, Key, UploadId }))
    }
  }

  async #reporting<T>(doing: string, task: () => Promise<T>): Promise<T> {
    try {
      return await task()
    } catch (cause) {
      throw this.#error(doing, cause)
    }
  }

  #error(doing: string, cause: unknown): unknown {
    if (hasCode(cause)) return cause
    const reason = cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause)
    return new SessionMeshError('SNAPSHOT_TARGET_FAILED', `${doing} ${this.place} failed: ${reason}`, { cause })
  }
}

async function* noting(
  chunks: AsyncIterable<Uint8Array>,
  source: { failure?: unknown },
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    yield* chunks
  } catch (error) {
    source.failure = error
    throw error
  }
}

async function* nothing(): AsyncGenerator<Uint8Array> {}

function statusOf(error: unknown): number | undefined {
  return error instanceof S3ServiceException ? error.$metadata.httpStatusCode : undefined
}

/** Not every S3-compatible server lists uploads: then its own rules must clean them up. */
function ignoreUnsupported(error: unknown): void {
  const status = statusOf(error)
  if (status === undefined || status < 400) throw error
}
