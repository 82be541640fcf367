// Delta debugging: the smallest part of a list that still fails, found by leaving out halves, quarters, eighths …
// (Zeller & Hildebrandt, "Simplifying and isolating failure-inducing input", TSE 2002). What is left fails, and no
// longer does without any one of its items.

/** @param fails whether a part still fails; the whole must */
export async function ddmin<T>(
  whole: readonly T[],
  fails: (part: readonly T[]) => Promise<boolean>,
): Promise<readonly T[]> {
  if (whole.length > 0 && (await fails([]))) return []
  let part = whole
  let chunks = 2
  while (part.length > 1) {
    const size = Math.ceil(part.length / chunks)
    const smaller = await withoutOne(part, size, fails)
    if (smaller !== undefined) {
      part = smaller
      chunks = Math.max(2, chunks - 1)
    } else if (size === 1) {
      return part
    } else {
      chunks = Math.min(part.length, chunks * 2)
    }
  }
  return part
}

/** The first part that still fails with one chunk left out. */
async function withoutOne<T>(
  part: readonly T[],
  size: number,
  fails: (part: readonly T[]) => Promise<boolean>,
): Promise<readonly T[] | undefined> {
  for (let start = 0; start < part.length; start += size) {
    const rest = [...part.slice(0, start), ...part.slice(start + size)]
    if (await fails(rest)) return rest
  }
  return undefined
}
