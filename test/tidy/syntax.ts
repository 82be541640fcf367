// What the tidy rules look at: one source file, read and parsed once, as a short list of facts. No rule sees the syntax
// tree, so that a rule is one line of arithmetic or one pattern.
import { parseSync, Visitor, type VisitorObject } from 'oxc-parser'

/** A thing in a source file, at a line counted from 1. */
export interface Fact<T> {
  readonly line: number
  readonly value: T
}

export interface Source {
  /** From the top of the repository, with `/`. */
  readonly path: string
  readonly lineCount: number
  /** Starts with a comment (after a `#!` line) that says what the file is for. */
  readonly hasHead: boolean
  /** What is imported, re-exported or named by `import('…')`, as written. */
  readonly imports: readonly Fact<string>[]
  /** Lines of each function, from its name to its last brace. */
  readonly functions: readonly Fact<number>[]
  readonly comments: readonly Fact<string>[]
  /** Called names with their dots: `test.skip`, `setTimeout`, `Date.now`. */
  readonly calls: readonly Fact<string>[]
  /** `new Date()` and `Date()`: readings of the wall clock. */
  readonly dates: readonly Fact<string>[]
}

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] extends readonly (infer Item)[] ? Item[] : T[Key] }
type Facts = Mutable<Pick<Source, 'imports' | 'functions' | 'calls' | 'dates'>>
type LineOf = (offset: number) => number

/** @throws Error when the text is not TypeScript */
export function parseSource(path: string, text: string): Source {
  const { program, comments, errors } = parseSync(path, text)
  const [error] = errors
  if (error !== undefined) throw new Error(`${path}: ${error.message}`)
  const lineOf = lineCounter(text)
  const facts: Facts = { imports: [], functions: [], calls: [], dates: [] }
  new Visitor({
    ...importVisitor(facts, lineOf),
    ...functionVisitor(facts, lineOf),
    ...callVisitor(facts, lineOf),
  }).visit(program)
  const start = text.startsWith('#!') ? text.indexOf('\n') + 1 : 0
  return {
    ...facts,
    path,
    lineCount: text.trimEnd().split('\n').length,
    hasHead: comments.some((comment) => comment.start === start),
    comments: comments.map((comment) => ({ line: lineOf(comment.start), value: comment.value })),
  }
}

function lineCounter(text: string): LineOf {
  const starts = [0]
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) starts.push(at + 1)
  return (offset) => {
    const after = starts.findIndex((start) => start > offset)
    return after === -1 ? starts.length : after
  }
}

function importVisitor({ imports }: Facts, lineOf: LineOf): VisitorObject {
  const add = (source: { readonly start: number; readonly value?: unknown } | null): void => {
    if (typeof source?.value === 'string') imports.push({ line: lineOf(source.start), value: source.value })
  }
  return {
    ImportDeclaration: ({ source }) => add(source),
    ExportNamedDeclaration: ({ source }) => add(source),
    ExportAllDeclaration: ({ source }) => add(source),
    ImportExpression: ({ source }) => add('value' in source ? source : null),
    TSImportType: ({ source }) => add(source),
  }
}

function functionVisitor({ functions }: Facts, lineOf: LineOf): VisitorObject {
  const add = ({ start, end }: { readonly start: number; readonly end: number }): void => {
    functions.push({ line: lineOf(start), value: lineOf(end) - lineOf(start) + 1 })
  }
  return { FunctionDeclaration: add, FunctionExpression: add, ArrowFunctionExpression: add }
}

function callVisitor({ calls, dates }: Facts, lineOf: LineOf): VisitorObject {
  return {
    CallExpression: ({ start, callee, arguments: given }) => {
      const name = nameOf(callee)
      if (name === 'Date' && given.length === 0) dates.push({ line: lineOf(start), value: 'Date()' })
      if (name !== '') calls.push({ line: lineOf(start), value: name })
    },
    NewExpression: ({ start, callee, arguments: given }) => {
      if (nameOf(callee) === 'Date' && given.length === 0) dates.push({ line: lineOf(start), value: 'new Date()' })
    },
  }
}

/** `a.b.c` of an expression of plain names; of `a.b(…).c` too, since `test.skip.each(…)(…)` is what we look for. */
function nameOf(expression: { readonly type: string }): string {
  if (isNode(expression, 'Identifier')) return String(expression['name'])
  if (isNode(expression, 'CallExpression')) return nameOf(expression['callee'] as { type: string })
  if (!isNode(expression, 'MemberExpression') || expression['computed'] === true) return ''
  const object = nameOf(expression['object'] as { type: string })
  return object === '' ? '' : `${object}.${nameOf(expression['property'] as { type: string })}`
}

const isNode = (node: { readonly type: string }, type: string): node is Record<string, unknown> & { type: string } =>
  node.type === type
