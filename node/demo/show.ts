// Progress for people, on stderr, so that stdout is the result alone.
import { SingleBar } from 'cli-progress'

export interface Show {
  step(text: string): void
  bar(text: string, total: number): { tick(count?: number): void; done(): void }
}

const QUIET_BAR = { tick() {}, done() {} }

/** @param quiet with `--json`: nothing but the result */
export function createShow(quiet: boolean): Show {
  if (quiet) return { step() {}, bar: () => QUIET_BAR }
  return {
    step: (text) => void process.stderr.write(`${text}\n`),
    bar(text, total) {
      const bar = new SingleBar({
        format: `${text} {bar} {value}/{total} {eta_formatted}`,
        stream: process.stderr,
        noTTYOutput: false,
        hideCursor: true,
      })
      bar.start(total, 0)
      return { tick: (count = 1) => bar.increment(count), done: () => bar.stop() }
    },
  }
}
