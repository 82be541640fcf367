// Where settings come from: a file, then the environment, then flags; the later wins.
import { readFileSync } from 'node:fs'
import { parseDocument } from 'yaml'
import { SessionMeshError } from '../crdt/errors.ts'
import { configSchema, resolveConfig, type PeerConfig, type PeerOptions } from './config.ts'

const ENV_PREFIX = 'SESSIONMESH_'

export interface ConfigSources {
  readonly file?: string | undefined
  readonly env: Readonly<Record<string, string | undefined>>
  readonly flags: Readonly<Record<string, unknown>>
}

/** @throws SessionMeshError INVALID_CONFIG naming the key, where it stands, and what was expected */
export function loadConfig({ file, env, flags }: ConfigSources): PeerConfig {
  const given = { ...(file === undefined ? {} : readFile(file)), ...fromEnv(env), ...defined(flags) }
  return resolveConfig(given as PeerOptions)
}

function readFile(file: string): Record<string, unknown> {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (cause) {
    throw new SessionMeshError('INVALID_CONFIG', `can't read ${file}`, { cause })
  }
  // JSON is YAML, so one parser reads both.
  const document = parseDocument(text)
  const broken = document.errors[0]
  if (broken !== undefined) throw new SessionMeshError('INVALID_CONFIG', `${file}: ${broken.message}`)
  const value: unknown = document.toJS() ?? {}
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new SessionMeshError('INVALID_CONFIG', `${file}: expected settings as "key: value"`)
  }
  checkFile(file, text, value as Record<string, unknown>)
  return value as Record<string, unknown>
}

/** Names the line of a wrong key, which the merged check later could not. */
function checkFile(file: string, text: string, value: Record<string, unknown>): void {
  const parsed = configSchema.safeParse(value)
  if (parsed.success) return
  const problems = parsed.error.issues.map((issue) => {
    const key = String(issue.path[0] ?? ('keys' in issue ? issue.keys[0] : ''))
    const line = text.split('\n').findIndex((candidate) => candidate.includes(key)) + 1
    return `${file}:${Math.max(1, line)}: ${issue.path.join('.') || key}: ${issue.message}`
  })
  throw new SessionMeshError('INVALID_CONFIG', problems.join('; '))
}

/** SESSIONMESH_DATA_DIR=… sets dataDir; values are JSON where they can be, text otherwise. Others are left alone. */
function fromEnv(env: ConfigSources['env']): Record<string, unknown> {
  const settings: Record<string, unknown> = {}
  for (const key of Object.keys(configSchema.shape)) {
    const value = env[ENV_PREFIX + key.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()]
    // SESSIONMESH_HTTP is HOST:PORT for the verbs; the daemon takes its address from the flag or the file.
    if (value !== undefined && key !== 'http') settings[key] = jsonOrText(value)
  }
  return settings
}

function jsonOrText(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

function defined(flags: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(flags).filter(([, value]) => value !== undefined))
}
