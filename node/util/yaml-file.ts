// A file of settings in YAML, or JSON, which is YAML: its content as data, and the line on which each key stands.
import { readFileSync } from 'node:fs'
import { isMap, isNode, isScalar, isSeq, LineCounter, parseDocument, type Document, type Node } from 'yaml'
import type { z } from 'zod'
import { SessionMeshError, type ErrorCode } from '../../crdt/errors.ts'
import { problemsAt } from './problems.ts'

export class YamlFile {
  readonly value: unknown
  readonly #file: string
  readonly #document: Document
  readonly #lines = new LineCounter()

  /** @throws SessionMeshError with `code` if it can't be read, or is no YAML */
  constructor(file: string, code: ErrorCode) {
    let text: string
    try {
      text = readFileSync(file, 'utf8')
    } catch (cause) {
      throw new SessionMeshError(code, `can't read ${file}`, { cause })
    }
    this.#file = file
    this.#document = parseDocument(text, { lineCounter: this.#lines })
    const broken = this.#document.errors[0]
    if (broken !== undefined) throw new SessionMeshError(code, `${file}: ${broken.message}`)
    this.value = this.#document.toJS() ?? {}
  }

  /** Where a key stands, or what was to hold it: `peer.yaml:3`. */
  where(path: readonly PropertyKey[]): string {
    let node: unknown = this.#document.contents
    let offset = 0
    for (const key of path) {
      const found = child(node, key)
      if (found === undefined) break
      offset = found.offset
      node = found.node
    }
    return `${this.#file}:${this.#lines.linePos(offset).line}`
  }

  /** What a schema says against the content, each with its place. */
  problems(error: z.ZodError): string[] {
    return problemsAt((path) => this.where(path), error)
  }
}

function child(parent: unknown, key: PropertyKey): { node: unknown; offset: number } | undefined {
  if (isMap(parent)) {
    const pair = parent.items.find((pair) => isScalar(pair.key) && String(pair.key.value) === String(key))
    return pair === undefined ? undefined : { node: pair.value, offset: startOf(pair.key) }
  }
  const item = isSeq(parent) ? parent.items[Number(key)] : undefined
  return isNode(item) ? { node: item, offset: startOf(item) } : undefined
}

function startOf(node: unknown): number {
  return (node as Node).range?.[0] ?? 0
}
