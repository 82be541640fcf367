// Where settings come from: a file, then the environment, then flags; the later wins.
import type { z } from 'zod'
import { SessionMeshError } from '../crdt/errors.ts'
import { configSchema, resolveConfig, type PeerConfig, type PeerOptions } from './config.ts'
import { YamlFile } from './util/yaml-file.ts'

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
  const yaml = new YamlFile(file, 'INVALID_CONFIG')
  const { value } = yaml
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new SessionMeshError('INVALID_CONFIG', `${file}: expected settings as "key: value"`)
  }
  // Checked by itself first: once the sources are merged, nobody could name the line.
  const parsed = configSchema.safeParse(value)
  if (!parsed.success) throw new SessionMeshError('INVALID_CONFIG', yaml.problems(parsed.error).join('; '))
  return value as Record<string, unknown>
}

/** SESSIONMESH_DATA_DIR=… sets dataDir. Variables that name no setting are left alone: others use the prefix too. */
function fromEnv(env: ConfigSources['env']): Record<string, unknown> {
  const settings: Record<string, unknown> = {}
  for (const [key, schema] of Object.entries(configSchema.shape)) {
    const variable = ENV_PREFIX + key.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()
    const text = env[variable]
    // SESSIONMESH_HTTP is HOST:PORT for the verbs; the daemon takes its address from the flag or the file.
    if (text === undefined || key === 'http') continue
    settings[key] = fromText(variable, text, schema)
  }
  return settings
}

/** JSON where the setting takes that, else the text as it is, else a list of what its commas part. */
function fromText(variable: string, text: string, schema: z.ZodType): unknown {
  const list = text.split(',').map((part) => part.trim())
  for (const candidate of [jsonOrText(text), text, list]) if (schema.safeParse(candidate).success) return candidate
  const shown = schema.safeParse([]).success ? list : jsonOrText(text)
  const problems = schema.safeParse(shown).error?.issues.map(({ message }) => message)
  throw new SessionMeshError('INVALID_CONFIG', `${variable}: ${problems?.join('; ')}`)
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
