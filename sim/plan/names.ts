// How machines are called when nobody names them.
const LETTERS = 'abcdefghijklmnopqrstuvwxyz'

/** a, b, …, z, aa, ab, … */
export function machineName(index: number): string {
  const last = LETTERS.charAt(index % LETTERS.length)
  return index < LETTERS.length ? last : machineName(Math.floor(index / LETTERS.length) - 1) + last
}
