// A progress bar on stderr, so that stdout is the result alone.
import { SingleBar } from 'cli-progress'

export interface Bar {
  update(value: number, fields: Readonly<Record<string, string>>): void
  done(): void
}

const QUIET: Bar = { update() {}, done() {} }

/** @param isQuiet for `--json`: nothing but the result */
export function progressBar(
  format: string,
  total: number,
  fields: Readonly<Record<string, string>>,
  isQuiet: boolean,
): Bar {
  if (isQuiet) return QUIET
  const bar = new SingleBar({ format, stream: process.stderr, noTTYOutput: false, hideCursor: true })
  bar.start(total, 0, fields)
  return { update: (value, fields) => bar.update(value, fields), done: () => bar.stop() }
}
