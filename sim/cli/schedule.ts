// A plan for reading: what the world is like, then faults and operations in the order in which they begin.
import type { Plan } from '../plan/plan.ts'
import { formatDuration } from '../plan/units.ts'

export function scheduleLines(plan: Plan): string[] {
  const { network, disk, peer } = plan
  const rows = [
    ...plan.faults.map(({ kind, at, ...rest }) => ({ at, text: `${kind.padEnd(12)} ${fields(rest)}` })),
    ...plan.operations.map(({ at, kind, client, session, tag, key, durability }) => {
      const machine = plan.clients.find(({ name }) => name === client)?.machine ?? ''
      return {
        at,
        text: `${kind.padEnd(12)} ${session}.${key} as ${tag} by ${client} at ${machine}, durability ${durability}`,
      }
    }),
  ].toSorted((one, other) => one.at - other.at)
  return [
    `machines    ${plan.machines.map(({ name, zone }) => (zone === '' ? name : `${name} (${zone})`)).join(', ')}; core ${plan.core.join(', ')}`,
    `network     ${fields(network)}`,
    `disk, peer  ${fields({ ...disk, ...peer })}`,
    `chaos       ${formatDuration(plan.chaosMs)}, then ${formatDuration(plan.settleMs)} to become equal`,
    ...rows.map(({ at, text }) => `${formatDuration(at).padStart(10)}  ${text}`),
  ]
}

function fields(values: object): string {
  return Object.entries(values)
    .map(([name, value]) => {
      if (typeof value === 'number' && /(?<!Per)Ms$/.test(name)) return `${name.slice(0, -2)} ${formatDuration(value)}`
      return `${name} ${typeof value === 'object' ? JSON.stringify(value) : String(value)}`
    })
    .join(', ')
}
