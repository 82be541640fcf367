// What a page can get wrong without anyone noticing: a link to a file or heading that is gone, a command that no longer
// exists, an error code without a row.
import { posix } from 'node:path'

/** Every page, and every file that a link may point at. */
export interface Shelf {
  readonly pages: ReadonlyMap<string, string>
  exists(path: string): boolean
}

/** Relative links of a page that lead nowhere. */
export function brokenLinks({ pages, exists }: Shelf, page: string): string[] {
  const broken: string[] = []
  for (const [, target = ''] of withoutCode(pages.get(page) ?? '').matchAll(/\]\(([^)\s]+)\)/g)) {
    if (/^[a-z]+:/.test(target)) continue
    const [path = '', anchor] = target.split('#')
    const file = path === '' ? page : posix.normalize(posix.join(posix.dirname(page), path))
    const text = pages.get(file)
    if (!exists(file)) broken.push(`${page}: ${target}: no such file`)
    else if (anchor !== undefined && text !== undefined && !anchorsOf(text).has(anchor)) {
      broken.push(`${page}: ${target}: no such heading`)
    }
  }
  return broken
}

/** The anchors that GitHub gives to headings. */
function anchorsOf(text: string): Set<string> {
  const titles = [...withoutCode(text).matchAll(/^#+ +(.+)$/gm)].map(([, title = '']) => title.toLowerCase())
  return new Set(titles.map((title) => title.replaceAll(/[^\p{L}\p{N} _-]/gu, '').replaceAll(' ', '-')))
}

const withoutCode = (text: string): string => text.replaceAll(/^```[\s\S]*?^```/gm, '')

/** npm scripts that a page tells the reader to run. */
export function scriptsNamed(text: string): string[] {
  const named = [...text.matchAll(/\bnpm run (?:-s |--silent )?([\w:-]+)|\bnpm (test|start)\b/g)]
  return named.map(([, script, short]) => script ?? short ?? '')
}

/** Code and status of each row of docs/ERRORS.md. */
export function errorRows(text: string): Record<string, number> {
  const rows = [...text.matchAll(/^\| `([A-Z_]+)` \| (\d+) \|/gm)]
  return Object.fromEntries(rows.map(([, code = '', status = '']) => [code, Number(status)]))
}
