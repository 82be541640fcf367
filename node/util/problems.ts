// What a schema says against content that somebody wrote, for people.
import type { z } from 'zod'

/** A line for each wrong key. @param where tells where a key stands */
export function problemsAt(where: (path: readonly PropertyKey[]) => string, { issues }: z.ZodError): string[] {
  return issues.flatMap((issue) => {
    const wrong = issue.code === 'unrecognized_keys' ? issue.keys.map((key) => [...issue.path, key]) : [issue.path]
    return wrong.map((path) => `${where(path)}: ${path.join('.')}: ${issue.message}`)
  })
}
