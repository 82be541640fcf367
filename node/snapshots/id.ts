// Names of snapshots: which chain a file belongs to, and when it was taken, can be told without opening it.
import { hash128, toHex } from '../../crdt/index.ts'

const TAG_DIGITS = 8
const SUFFIX = '.snapshot'
const PATTERN = /^(\d{8}T\d{9}Z)-([0-9a-f]{8})(?:-after-(\d{8}T\d{9}Z)|-(aside))?$/

export interface SnapshotName {
  readonly id: string
  /** When the view was taken, ms since the epoch. */
  readonly at: number
  /** Of the peer that took it. */
  readonly tag: string
  /** Time and tag: what a parent is named by. */
  readonly key: string
  /** Key of the snapshot that it builds on; undefined for a base. */
  readonly parentKey: string | undefined
  /** Some sessions that were set aside, for somebody to decide about: no retention removes it, nothing builds on it. */
  readonly isAside: boolean
}

/** Peers may share a place for snapshots; their tags tell whose is whose. */
export function tagOf(peer: string): string {
  return toHex(hash128(peer)).slice(0, TAG_DIGITS)
}

export function snapshotName(at: number, tag: string, parent: SnapshotName | undefined): SnapshotName {
  const key = `${formatTime(at)}-${tag}`
  const id = parent === undefined ? key : `${key}-after-${formatTime(parent.at)}`
  return { id, at, tag, key, parentKey: parent?.key, isAside: false }
}

export function asideName(at: number, tag: string): SnapshotName {
  const key = `${formatTime(at)}-${tag}-aside`
  return { id: key, at, tag, key, parentKey: undefined, isAside: true }
}

/** Undefined for what is no snapshot's id. */
function parseSnapshotId(id: string): SnapshotName | undefined {
  const [, time, tag, parentTime, aside] = PATTERN.exec(id) ?? []
  if (time === undefined || tag === undefined) return undefined
  const at = parseTime(time)
  if (Number.isNaN(at)) return undefined
  return {
    id,
    at,
    tag,
    key: aside === undefined ? `${time}-${tag}` : id,
    parentKey: parentTime === undefined ? undefined : `${parentTime}-${tag}`,
    isAside: aside !== undefined,
  }
}

export function fileNameOf(id: string): string {
  return id + SUFFIX
}

/** Undefined for a file that is no snapshot. */
export function parseFileName(file: string): SnapshotName | undefined {
  return file.endsWith(SUFFIX) ? parseSnapshotId(file.slice(0, -SUFFIX.length)) : undefined
}

/** The snapshots of all that a peer held. */
export function wholeNamesIn(files: readonly { readonly name: string }[]): SnapshotName[] {
  return namesIn(files).filter(({ isAside }) => !isAside)
}

/** The snapshots among files. */
export function namesIn(files: readonly { readonly name: string }[]): SnapshotName[] {
  return files.flatMap(({ name }) => parseFileName(name) ?? [])
}

/** UTC without punctuation, so that names sort by time: 20260801T120000123Z */
function formatTime(at: number): string {
  return new Date(at).toISOString().replace(/[-:.]/g, '')
}

function parseTime(text: string): number {
  const [year, month, day] = [text.slice(0, 4), text.slice(4, 6), text.slice(6, 8)]
  const [hour, minute, second, ms] = [text.slice(9, 11), text.slice(11, 13), text.slice(13, 15), text.slice(15, 18)]
  return Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}.${ms}Z`)
}
