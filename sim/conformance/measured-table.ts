// What gossip did, for people: the model and the real thing side by side.
import { SITUATIONS, type Measured, type Quantiles } from './measure.ts'

export function measuredTable(model: Measured, real: Measured): string[] {
  const rows = SITUATIONS.flatMap((situation) => {
    const of = (name: string, { gossip }: Measured): string[] => {
      const { expected, lostPermille, doubledPermille, delayMs } = gossip[situation]
      return [situation, name, `${expected}`, `${lostPermille}‰`, `${doubledPermille}‰`, ...delays(delayMs)]
    }
    return [of('model', model), of('real', real)]
  })
  const starts = [model, real].map(({ firstHeardMs }, index) => {
    return ['first heard', index === 0 ? 'model' : 'real', '', '', '', ...delays(firstHeardMs)]
  })
  return aligned([['', '', 'messages', 'lost', 'twice', 'p50 ms', 'p90 ms', 'p99 ms', 'max ms'], ...rows, ...starts])
}

function delays({ p50, p90, p99, max }: Quantiles): string[] {
  return [p50, p90, p99, max].map((value) => value.toFixed(1))
}

function aligned(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  return rows.map((row) => {
    const cells = row.map((cell, column) => {
      const width = widths[column] ?? 0
      return column < 2 ? cell.padEnd(width) : cell.padStart(width)
    })
    return cells.join('  ').trimEnd()
  })
}
