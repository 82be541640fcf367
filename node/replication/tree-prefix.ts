/** A path in the hash tree: hexadecimal digits, at most as many as the hash has. */
export function isTreePrefix(prefix: string): boolean {
  return /^[0-9a-f]{0,32}$/.test(prefix)
}
