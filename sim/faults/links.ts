// Which machines can't reach which: the one thing that faults of the network come down to.

/** What `from` sends does not reach `to`. */
export type Link = readonly [from: string, to: string]

/** Ordered pairs of machines that share no group. A machine in no group is in one of its own. */
export function severed(all: readonly string[], groups: readonly (readonly string[])[]): Link[] {
  const together = (one: string, other: string) => groups.some((group) => group.includes(one) && group.includes(other))
  return pairs(all, all).filter(([from, to]) => !together(from, to))
}

export function pairs(from: readonly string[], to: readonly string[]): Link[] {
  return from.flatMap((one) => to.filter((other) => other !== one).map((other): Link => [one, other]))
}
