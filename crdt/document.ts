// A session as a Yjs document: user data in `data` (or any other shared type), the session's own record in `$session`.
//
// The record is written by whoever may write the document, foreign clients included, so everything read from it is
// checked and what makes no sense counts as absent.
import * as Y from 'yjs'
import { SessionMeshError } from './errors.ts'
import { unstorablePart } from './values.ts'

export type Priority = 'critical' | 'high' | 'normal' | 'low'

const PRIORITIES: readonly Priority[] = ['critical', 'high', 'normal', 'low']

/** Name of the shared map that holds the session's own record. */
export const SESSION_MAP = '$session'
/** Name of the shared map that holds user data unless the user chooses otherwise. */
export const DATA_MAP = 'data'

/** Keys of the record that say when the session was last touched, one for each writer: see expiry.ts. */
export const TOUCH_PREFIX = 'touchedAt/'

/** The latest time that a Date can hold, ms since the epoch. */
export const TIME_MAX = 8.64e15
const PIN_LENGTH_MAX = 256

export interface SessionRecord {
  readonly priority: Priority
  /** Times are ms since the epoch. */
  readonly createdAt: number | undefined
  readonly expiresAt: number | undefined
  /** How long the session may lie untouched, ms. */
  readonly ttlMs: number | undefined
  /** When it was last touched, or else created. */
  readonly touchedAt: number | undefined
  /** Peer id that should be home while it is alive. */
  readonly pin: string | undefined
  readonly terminatedAt: number | undefined
  /** Why it ended: its time was over, or somebody terminated it. */
  readonly endedBy: 'expiry' | 'user' | undefined
  /** When its tombstone may be forgotten. */
  readonly purgeAt: number | undefined
}

export interface InitialSession {
  /** ms since the epoch. */
  readonly createdAt: number
  readonly priority: Priority
  readonly pin?: string | undefined
  readonly ttlMs?: number | undefined
  readonly expiresAt?: number | undefined
  /** First content of the data map. */
  readonly data?: Readonly<Record<string, unknown>> | undefined
}

/**
 * Most of the eight events that come with each transaction are heard by nobody; Yjs makes a map and a list for each. And
 * after remote changes to formatted text Yjs deletes superfluous marks of its own accord. On a replica that would be a
 * write that nobody made: digests would differ by who looked, and every replica would spread its own.
 */
class SessionDocument extends Y.Doc {
  override emit(...[name, args]: Parameters<Y.Doc['emit']>): void {
    if (this._observers.has(name)) super.emit(name, args)
    const [transaction] = args
    if (name === 'afterTransaction' && transaction instanceof Y.Transaction) transaction._needFormattingCleanup = false
  }
}

/** An empty document of a session: deleted content is collected, and it changes by its writers alone. */
export function createDocument(id: string): Y.Doc {
  return new SessionDocument({ guid: id, gc: true })
}

export function dataOf(doc: Y.Doc): Y.Map<unknown> {
  return doc.getMap(DATA_MAP)
}

export function sessionMapOf(doc: Y.Doc): Y.Map<unknown> {
  return doc.getMap(SESSION_MAP)
}

/**
 * Writes the session's record and first data, in one transaction.
 * @throws INVALID_ARGUMENT, with nothing written, if a value of `data` cannot be stored
 */
export function initializeSession(doc: Y.Doc, initial: InitialSession): void {
  const { createdAt, priority, pin, ttlMs, expiresAt, data = {} } = initial
  for (const [key, value] of Object.entries(data)) {
    const fault = unstorablePart(value)
    if (fault !== undefined) throw new SessionMeshError('INVALID_ARGUMENT', `data.${key} cannot be stored: ${fault}`)
  }
  doc.transact(() => {
    const session = sessionMapOf(doc)
    session.set('createdAt', createdAt)
    session.set('priority', priority)
    if (pin !== undefined) session.set('pin', pin)
    if (ttlMs !== undefined) session.set('ttl', ttlMs)
    if (expiresAt !== undefined) session.set('expiresAt', expiresAt)
    const map = dataOf(doc)
    for (const [key, value] of Object.entries(data)) map.set(key, value)
  })
}

/** The session's record. Whatever a foreign client wrote there, this does not throw. */
export function describeSession(doc: Y.Doc): SessionRecord {
  const session = sessionMapOf(doc)
  const ttl = time(session.get('ttl'))
  const pin = session.get('pin')
  const terminatedAt = time(session.get('terminatedAt'))
  return {
    priority: PRIORITIES.find((priority) => priority === session.get('priority')) ?? 'normal',
    createdAt: time(session.get('createdAt')),
    expiresAt: time(session.get('expiresAt')),
    ttlMs: ttl === 0 ? undefined : ttl,
    touchedAt: touchedAt(session),
    pin: typeof pin === 'string' && pin.length > 0 && pin.length <= PIN_LENGTH_MAX ? pin : undefined,
    terminatedAt,
    endedBy: terminatedAt === undefined ? undefined : session.get('endedBy') === 'expiry' ? 'expiry' : 'user',
    purgeAt: terminatedAt === undefined ? undefined : time(session.get('purgeAt')),
  }
}

/** Yjs client id that the session was created under; of several that created it, the one that is believed. */
export function creatorOf(doc: Y.Doc): number | undefined {
  return sessionMapOf(doc)._map.get('createdAt')?.id.client
}

/** The latest that anybody says. */
function touchedAt(session: Y.Map<unknown>): number | undefined {
  let latest = time(session.get('createdAt'))
  for (const [key, value] of session.entries()) {
    const at = key.startsWith(TOUCH_PREFIX) ? time(value) : undefined
    if (at !== undefined) latest = Math.max(at, latest ?? at)
  }
  return latest
}

export function isTerminated(doc: Y.Doc): boolean {
  return time(sessionMapOf(doc).get('terminatedAt')) !== undefined
}

export interface Termination {
  /** Its time was over: nobody asked for it. */
  readonly endedBy?: 'expiry' | undefined
  /** When the tombstone may be forgotten, everywhere; ms since the epoch. */
  readonly purgeAt?: number | undefined
}

/**
 * Ends the session: marks it with `at` (ms since the epoch; a mark that is there stays) and why, and deletes the content
 * of every shared type but the record. The document stays as tombstone, so that late writes meet it and lose.
 */
export function terminateSession(doc: Y.Doc, at: number, { endedBy, purgeAt }: Termination = {}): void {
  doc.transact((transaction) => {
    const session = sessionMapOf(doc)
    if (!isTerminated(doc)) {
      session.set('terminatedAt', at)
      if (endedBy !== undefined) session.set('endedBy', endedBy)
      if (purgeAt !== undefined) session.set('purgeAt', purgeAt)
    }
    for (const [name, type] of doc.share) if (name !== SESSION_MAP) clear(type, transaction)
  })
}

/**
 * Deletes item by item, below the API of the shared types: a type that only ever came over the network has no kind
 * yet, and asking for a wrong one would fix it.
 */
function clear(type: Y.AbstractType<Y.YEvent<Y.AbstractType<unknown>>>, transaction: Y.Transaction): void {
  for (const item of type._map.values()) item.delete(transaction)
  for (let item = type._start; item !== null; item = item.right) item.delete(transaction)
  // Lists cache where they last looked; the types' own methods keep that right, so it has to go here.
  if (type._searchMarker !== null) type._searchMarker.length = 0
}

function time(value: unknown): number | undefined {
  return typeof value === 'number' && value >= 0 && value <= TIME_MAX ? value : undefined
}
