/** A path in the hash tree: hexadecimal digits, at most 16. */
export function isTreePrefix(prefix: string): boolean {
  return /^[0-9a-f]{0,16}$/.test(prefix)
}
