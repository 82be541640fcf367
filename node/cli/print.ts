// How the CLI prints: JSON for programs, aligned columns for people.

/** One object as `key  value` lines, a list of objects as a table. */
function format(value: unknown): string {
  if (Array.isArray(value)) return formatTable(value)
  if (typeof value !== 'object' || value === null) return String(value)
  const entries = Object.entries(value)
  const width = Math.max(0, ...entries.map(([key]) => key.length))
  return entries.map(([key, field]) => `${key.padEnd(width)}  ${formatField(field)}`).join('\n')
}

function formatTable(rows: readonly unknown[]): string {
  if (rows.length === 0) return '(none)'
  const records = rows.map((row) => (typeof row === 'object' && row !== null ? Object.entries(row) : [['value', row]]))
  const columns = [...new Set(records.flatMap((record) => record.map(([key]) => String(key))))]
  const cells = records.map((record) => {
    const fields = new Map(record.map(([key, field]) => [String(key), formatField(field)]))
    return columns.map((column) => fields.get(column) ?? '')
  })
  const widths = columns.map((column, i) => Math.max(column.length, ...cells.map((row) => row[i]?.length ?? 0)))
  const line = (row: readonly string[]) =>
    row
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join('  ')
      .trimEnd()
  return [columns, ...cells].map(line).join('\n')
}

function formatField(field: unknown): string {
  if (typeof field === 'number') return Number.isInteger(field) ? String(field) : field.toFixed(1)
  return typeof field === 'object' && field !== null ? JSON.stringify(field) : String(field)
}

/** @param json one line of JSON instead */
export function print(value: unknown, json: boolean | undefined): void {
  process.stdout.write(`${json === true ? JSON.stringify(value) : format(value)}\n`)
}
