// A progress bar on stderr for a call that takes long.
import type { SyncProgress } from '../api.ts'
import { createShow } from '../demo/show.ts'

/** @param quiet with `--json`: no bar */
export async function withBar<T>(
  text: string,
  quiet: boolean,
  task: (onProgress: (progress: SyncProgress) => void) => Promise<T>,
): Promise<T> {
  const show = createShow(quiet)
  let bar: ReturnType<typeof show.bar> | undefined
  let shown = 0
  try {
    return await task(({ done, total }) => {
      bar ??= show.bar(text, total)
      bar.tick(done - shown)
      shown = done
    })
  } finally {
    bar?.done()
  }
}
