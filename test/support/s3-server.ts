// An S3-compatible server on loopback: s3rver for what buckets and objects do, and in front of it a check of every
// request's signature (AWS Signature Version 4), because s3rver computes that of a bucket's own address differently
// from AWS and its clients. The check is written from AWS' description and shares nothing with the client library.
import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import { createServer, type IncomingMessage } from 'node:http'
import { mkdtemp, rm } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import S3rver from '@20minutes/s3rver'

export const CREDENTIALS = { accessKeyId: 'S3RVER', secretAccessKey: 'S3RVER' }

export interface S3Server {
  readonly endpoint: string
  readonly bucket: string
  /** Requests refused because their signature was wrong or missing. */
  refused(): number
  /** The next so many answers to GET are cut off after some bytes. */
  cutOff(count: number): void
  close(): Promise<void>
}

export async function startS3Server(): Promise<S3Server> {
  const directory = await mkdtemp(join(tmpdir(), 'sessionmesh-s3-'))
  const bucket = 'snapshots'
  const store = new S3rver({
    directory,
    silent: true,
    allowMismatchedSignatures: true,
    configureBuckets: [{ name: bucket, configs: [] }],
  })
  await store.configureBuckets()
  const answer = store.callback()
  let refused = 0
  let toCutOff = 0
  const server = createServer((request, response) => {
    if (!isSigned(request, CREDENTIALS)) {
      refused++
      response.writeHead(403, { 'content-type': 'application/xml' })
      response.end('<Error><Code>SignatureDoesNotMatch</Code><Message>wrong signature</Message></Error>')
      return
    }
    if (request.method === 'GET' && toCutOff > 0 && !(request.url ?? '').includes('list-type')) {
      toCutOff--
      const write = response.write.bind(response)
      response.write = ((chunk: Buffer) => {
        write(chunk.subarray(0, 1_000))
        response.socket?.end()
        return true
      }) as typeof response.write
    }
    void answer(request, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    endpoint: `http://127.0.0.1:${port}`,
    bucket,
    refused: () => refused,
    cutOff: (count) => {
      toCutOff = count
    },
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      await rm(directory, { recursive: true, force: true })
    },
  }
}

function isSigned(request: IncomingMessage, { accessKeyId, secretAccessKey }: typeof CREDENTIALS): boolean {
  const parts = /^AWS4-HMAC-SHA256 Credential=([^,]+), ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/.exec(
    request.headers.authorization ?? '',
  )
  const [, credential = '', signedHeaders = '', signature = ''] = parts ?? []
  const [keyId, date = '', region = '', service = '', end = ''] = credential.split('/')
  if (keyId !== accessKeyId || service !== 's3' || end !== 'aws4_request') return false
  const header = (name: string) => String(request.headers[name] ?? '').trim()
  const toSign = [
    'AWS4-HMAC-SHA256',
    header('x-amz-date'),
    [date, region, service, end].join('/'),
    createHash('sha256')
      .update(canonicalRequest(request, signedHeaders, header))
      .digest('hex'),
  ].join('\n')
  let key: Buffer = Buffer.from(`AWS4${secretAccessKey}`)
  for (const part of [date, region, service, end]) key = createHmac('sha256', key).update(part).digest()
  const wanted = createHmac('sha256', key).update(toSign).digest('hex')
  return signature.length === wanted.length && timingSafeEqual(Buffer.from(signature), Buffer.from(wanted))
}

function canonicalRequest(request: IncomingMessage, signed: string, header: (name: string) => string): string {
  const url = new URL(request.url ?? '/', 'http://localhost')
  const encode = (text: string) =>
    encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)
  const query = [...url.searchParams].map(([name, value]) => `${encode(name)}=${encode(value)}`).toSorted()
  return [
    request.method,
    url.pathname,
    query.join('&'),
    ...signed.split(';').map((name) => `${name}:${header(name)}`),
    '',
    signed,
    header('x-amz-content-sha256'),
  ].join('\n')
}
