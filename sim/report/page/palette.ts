// Colours, read from the style sheet so that there is one place for them and a change of theme reaches the canvases.
// One job each: a hue for each kind of message, amber for what was done to the mesh, red for what went wrong, one quiet
// ramp for amounts.

const NAMES = [
  'ink',
  'muted',
  'grid',
  'lane',
  'surface',
  'frame',
  'repair',
  'ack',
  'heartbeat',
  'late',
  'lost',
  'fault',
  'fault-ink',
  'violation',
  'amount',
  'selection',
] as const

export type ColourName = (typeof NAMES)[number]
export type Palette = Readonly<Record<ColourName, string>>

export function readPalette(): Palette {
  const style = getComputedStyle(document.documentElement)
  return Object.fromEntries(NAMES.map((name) => [name, style.getPropertyValue(`--${name}`).trim()])) as Palette
}
