// Output of the command line.

/** Writes lines to stdout. */
export function printLines(lines: Iterable<string>): void {
  let chunk = ''
  for (const line of lines) {
    chunk += `${line}\n`
    if (chunk.length < 65_536) continue
    process.stdout.write(chunk)
    chunk = ''
  }
  if (chunk !== '') process.stdout.write(chunk)
}

/** 12,345 */
export function grouped(value: number): string {
  return Math.round(value).toLocaleString('en-US')
}

/** 1 fault, 12 faults */
export function counted(count: number, noun: string): string {
  return `${grouped(count)} ${noun}${count === 1 ? '' : 's'}`
}

/** Two significant places below ten, none above a hundred. */
export function rounded(value: number): string {
  if (value >= 100) return grouped(value)
  return value >= 10 ? value.toFixed(1) : value.toFixed(2)
}

/** A table without borders: numbers to the right. */
export function table(rows: readonly (readonly (string | number)[])[], indent = '  '): string[] {
  const cells = rows.map((row) => row.map((cell) => (typeof cell === 'number' ? grouped(cell) : cell)))
  const widths = (cells[0] ?? []).map((_, column) => Math.max(...cells.map((row) => (row[column] ?? '').length)))
  return cells.map((row, index) => {
    const padded = row.map((cell, column) => {
      const width = widths[column] ?? 0
      return typeof rows[index]?.[column] === 'number' ? cell.padStart(width) : cell.padEnd(width)
    })
    return (indent + padded.join('  ')).trimEnd()
  })
}
