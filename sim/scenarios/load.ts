// A scenario by name (from this folder) or by path (a user's own: YAML, JSON, or TypeScript with a default export).
import { existsSync, readdirSync } from 'node:fs'
import { basename, extname, isAbsolute, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { SessionMeshError } from '../../crdt/errors.ts'
import { problemsAt } from '../../node/util/problems.ts'
import { YamlFile } from '../../node/util/yaml-file.ts'
import { CodeFile } from './code-file.ts'
import { scenarioSchema, type ReadScenario, type Scenario } from './schema.ts'

const DIRECTORY = join(import.meta.dirname, 'files')
const IS_CODE = /\.[cm]?[jt]s$/

export interface LoadedScenario {
  /** As it was written. */
  readonly scenario: Scenario
  /** Where a key stands, for messages. */
  where(path: readonly PropertyKey[]): string
}

/** Names of the scenarios that come with the simulator, in order. */
export function scenarioNames(): string[] {
  return readdirSync(DIRECTORY)
    .map((file) => basename(file, '.yaml'))
    .toSorted()
}

/**
 * One of the scenarios that come with the simulator, as plain data to be run or changed.
 * @throws SessionMeshError INVALID_SCENARIO for a name that there is not
 */
export function scenario(name: string): Scenario {
  return fromYaml(fileOf(name)).scenario
}

/** @throws SessionMeshError INVALID_SCENARIO that names the file, the line and what was expected */
export async function loadScenario(nameOrPath: string): Promise<LoadedScenario> {
  return isCode(nameOrPath) ? await fromCode(nameOrPath) : fromYaml(fileOf(nameOrPath))
}

/** @throws SessionMeshError INVALID_SCENARIO that names each wrong key */
export function readScenario(scenario: Scenario): ReadScenario {
  const parsed = scenarioSchema.safeParse(scenario)
  if (!parsed.success)
    throw new SessionMeshError('INVALID_SCENARIO', problemsAt(() => 'scenario', parsed.error).join('\n'))
  return parsed.data
}

/** Whether a scenario may bring code of its own. */
export function isCode(nameOrPath: string): boolean {
  return isPath(nameOrPath) && IS_CODE.test(nameOrPath)
}

function fileOf(nameOrPath: string): string {
  if (isPath(nameOrPath)) return nameOrPath
  const file = join(DIRECTORY, `${nameOrPath}.yaml`)
  if (existsSync(file)) return file
  const known = scenarioNames().join(', ')
  throw new SessionMeshError(
    'INVALID_SCENARIO',
    `there is no scenario ${nameOrPath}; there are ${known}. A file of your own needs its path: ./${nameOrPath}.yaml`,
  )
}

function isPath(text: string): boolean {
  return isAbsolute(text) || /[/\\]/.test(text) || /\.(ya?ml|json)$/.test(text) || IS_CODE.test(text)
}

function fromYaml(file: string): LoadedScenario {
  const yaml = new YamlFile(file, 'INVALID_SCENARIO')
  if (typeof yaml.value === 'object' && yaml.value !== null && 'plan' in yaml.value) {
    throw new SessionMeshError('INVALID_SCENARIO', `${file} is a saved run, not a scenario: use \`sim replay\``)
  }
  const parsed = scenarioSchema.safeParse(yaml.value)
  if (!parsed.success) throw new SessionMeshError('INVALID_SCENARIO', yaml.problems(parsed.error).join('\n'))
  return { scenario: named(yaml.value as Scenario, file), where: (path) => yaml.where(path) }
}

async function fromCode(file: string): Promise<LoadedScenario> {
  let module: { readonly default?: unknown }
  try {
    module = (await import(pathToFileURL(resolve(file)).href)) as { readonly default?: unknown }
  } catch (cause) {
    throw new SessionMeshError('INVALID_SCENARIO', `${file} can't be loaded: ${reasonOf(cause)}`, { cause })
  }
  if (module.default === undefined) {
    throw new SessionMeshError('INVALID_SCENARIO', `${file}: expected a scenario as default export`)
  }
  const code = new CodeFile(file)
  const where = (path: readonly PropertyKey[]) => code.where(path)
  const parsed = scenarioSchema.safeParse(module.default)
  if (!parsed.success) throw new SessionMeshError('INVALID_SCENARIO', problemsAt(where, parsed.error).join('\n'))
  return { scenario: named(module.default as Scenario, file), where }
}

function named(scenario: Scenario, file: string): Scenario {
  return { name: basename(file, extname(file)), ...scenario }
}

/** Where the error is thrown, if it says so, and its message: the first lines of a stack. */
function reasonOf(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause)
  return (cause.stack ?? cause.message).split('\n').slice(0, 6).join('\n')
}
