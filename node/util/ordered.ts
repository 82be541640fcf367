// Lists that are kept in order.

/** Where an item is in the list, or belongs, by binary search. @param isBefore whether one of the list comes before it */
export function placeIn<T>(ordered: readonly T[], isBefore: (one: T) => boolean): number {
  let [low, high] = [0, ordered.length]
  while (low < high) {
    const middle = (low + high) >> 1
    const one = ordered[middle]
    if (one !== undefined && isBefore(one)) low = middle + 1
    else high = middle
  }
  return low
}
