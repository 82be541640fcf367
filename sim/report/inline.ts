// The page's modules as one import map: each module is a data: URL under its name, so that a page that stands alone
// still runs real modules, and nothing has to be bundled.
import { readFileSync } from 'node:fs'
import * as nodeModule from 'node:module'

/** Beside this file: TypeScript when run from source, JavaScript when run from the built package. */
const EXTENSION = import.meta.url.endsWith('.ts') ? '.ts' : '.js'
const FOLDER = new URL('page/', import.meta.url)
const PREFIX = 'report/'
const IMPORT = /\bfrom '\.\/([\w-]+)\.(?:ts|js)'/g

export interface InlineModules {
  /** Text of the import map. */
  readonly importMap: string
  /** Name under which the entry is imported. */
  readonly entry: string
}

/** @param entry name of the module that runs, without its extension */
export function inlineModules(entry: string): InlineModules {
  const imports: Record<string, string> = {}
  const waiting = [entry]
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    if (`${PREFIX}${name}` in imports) continue
    const code = readModule(name)
    for (const [, imported] of code.matchAll(IMPORT)) if (imported !== undefined) waiting.push(imported)
    const linked = code.replaceAll(IMPORT, `from '${PREFIX}$1'`)
    imports[`${PREFIX}${name}`] = `data:text/javascript;base64,${Buffer.from(linked).toString('base64')}`
  }
  return { importMap: JSON.stringify({ imports }), entry: `${PREFIX}${entry}` }
}

export function readStyle(): string {
  return readFileSync(new URL('page.css', FOLDER), 'utf8')
}

function readModule(name: string): string {
  const source = readFileSync(new URL(`${name}${EXTENSION}`, FOLDER), 'utf8')
  return EXTENSION === '.ts' ? withoutTypes(source) : source.replace(/\n\/\/# sourceMappingURL=.*\s*$/, '\n')
}

/** Node strips types by itself when it runs source; that it also does so on demand is still called experimental. */
function withoutTypes(source: string): string {
  const { emitWarning } = process
  process.emitWarning = () => {}
  try {
    return nodeModule.stripTypeScriptTypes(source)
  } finally {
    process.emitWarning = emitWarning
  }
}
