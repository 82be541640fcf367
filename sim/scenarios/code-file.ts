// Where the keys of a scenario in TypeScript or JavaScript stand, as far as its default export is written out: of what
// is computed, the last key that can be seen counts.
import { readFileSync } from 'node:fs'
import { parse, type ParseResult } from '@babel/parser'

type Statement = ParseResult['program']['body'][number]
type Expression = Extract<Statement, { type: 'ExpressionStatement' }>['expression']
type Variable = Extract<Statement, { type: 'VariableDeclaration' }>['declarations'][number]

interface Found {
  readonly line: number | undefined
  readonly value: Expression | undefined
}

export class CodeFile {
  readonly #file: string
  readonly #statements: readonly Statement[]

  /** @param file that could be imported */
  constructor(file: string) {
    this.#file = file
    this.#statements = statementsOf(readFileSync(file, 'utf8'))
  }

  /** Where a key stands, or what was to hold it: `mine.ts:3`. Without a line if nothing of it is written out. */
  where(path: readonly PropertyKey[]): string {
    let place = this.#export()
    for (const key of path) {
      const next = this.#child(place.value, String(key))
      if (next === undefined) break
      place = next
    }
    return place.line === undefined ? this.#file : `${this.#file}:${place.line}`
  }

  #export(): Found {
    const statement = this.#statements.find(({ type }) => type === 'ExportDefaultDeclaration')
    if (statement?.type !== 'ExportDefaultDeclaration') return { line: undefined, value: undefined }
    // What else can be exported is no scenario, and has no keys.
    return { line: lineOf(statement), value: this.#seen(statement.declaration as Expression) }
  }

  #child(parent: Expression | undefined, key: string): Found | undefined {
    if (parent?.type === 'ArrayExpression') {
      const element = parent.elements[Number(key)]
      if (!element || element.type === 'SpreadElement') return undefined
      return { line: lineOf(element), value: this.#seen(element) }
    }
    if (parent?.type !== 'ObjectExpression') return undefined
    for (const property of parent.properties) {
      if (property.type === 'SpreadElement' || nameOf(property.key) !== key) continue
      // A method has a name and no keys.
      return {
        line: lineOf(property),
        value: property.type === 'ObjectProperty' ? this.#seen(property.value as Expression) : undefined,
      }
    }
    return undefined
  }

  /** Behind the names and types that it stands under. */
  #seen(expression: Expression): Expression | undefined {
    if (expression.type === 'TSSatisfiesExpression' || expression.type === 'TSAsExpression') {
      return this.#seen(expression.expression)
    }
    if (expression.type !== 'Identifier') return expression
    const { name } = expression
    const init = this.#variables().find(({ id }) => id.type === 'Identifier' && id.name === name)?.init
    // One that refers to itself could not have been imported.
    return init ? this.#seen(init) : undefined
  }

  #variables(): Variable[] {
    return this.#statements.flatMap((statement) => {
      const declared = statement.type === 'ExportNamedDeclaration' ? statement.declaration : statement
      return declared?.type === 'VariableDeclaration' ? declared.declarations : []
    })
  }
}

/** None of a file that Node understands and the parser does not. */
function statementsOf(code: string): readonly Statement[] {
  try {
    return parse(code, { sourceType: 'module', plugins: ['typescript'] }).program.body
  } catch {
    return []
  }
}

function nameOf(key: { readonly type: string }): string | undefined {
  if ('name' in key && typeof key.name === 'string') return key.name
  return 'value' in key ? String(key.value) : undefined
}

function lineOf({ loc }: { readonly loc?: { readonly start: { readonly line: number } } | null }): number | undefined {
  return loc?.start.line
}
