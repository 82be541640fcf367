// Seeded chance. Integers only, so that every machine draws the same; forked by label, so that taking one fault, link
// or client away leaves the draws of all others as they were: that is what makes shrinking work.
//
// The generator is xoshiro128** (Blackman & Vigna, "Scrambled linear pseudorandom number generators", 2018), its state
// filled from the label by a 32-bit mix (FNV-1a, then the finalizer of MurmurHash3).
import type { Random } from '../../node/ports/random.ts'

/** Chances are given in parts per million: an integer that says what it means. */
export const MILLION = 1_000_000

export class Dice implements Random {
  readonly label: string
  #a: number
  #b: number
  #c: number
  #d: number

  constructor(label: string) {
    this.label = label
    this.#a = mix(label, 1)
    this.#b = mix(label, 2)
    this.#c = mix(label, 3)
    this.#d = mix(label, 4) | 1 // never all zero
    for (let i = 0; i < 8; i++) this.uint32()
  }

  /** Dice of their own, whatever has been drawn from these so far. */
  fork(label: string): Dice {
    return new Dice(`${this.label}/${label}`)
  }

  /** 0 to 2^32 - 1. */
  uint32(): number {
    const result = Math.imul(rotate(Math.imul(this.#b, 5), 7), 9) >>> 0
    const shifted = this.#b << 9
    this.#c ^= this.#a
    this.#d ^= this.#b
    this.#b ^= this.#c
    this.#a ^= this.#d
    this.#c ^= shifted
    this.#d = rotate(this.#d, 11)
    return result
  }

  /** 0 to `count` - 1. The bias of the modulo is below 2^-11 for everything that is drawn here. */
  below(count: number): number {
    return this.uint32() % count
  }

  /** `low` to `high`, both included. */
  between(low: number, high: number): number {
    return low + this.below(high - low + 1)
  }

  /** True in `partsPerMillion` of a million cases. Draws even when the answer is certain, so that streams stay aligned. */
  chance(partsPerMillion: number): boolean {
    return this.below(MILLION) < partsPerMillion
  }

  pick<T>(values: readonly T[]): T {
    const value = values[this.below(values.length)]
    if (value === undefined) throw new Error(`nothing to pick from (${this.label})`)
    return value
  }

  /** A new array in drawn order (Fisher & Yates). */
  shuffle<T>(values: readonly T[]): T[] {
    const shuffled = [...values]
    for (let i = shuffled.length - 1; i > 0; i--) {
      const j = this.below(i + 1)
      const [one, other] = [shuffled[i], shuffled[j]]
      if (one === undefined || other === undefined) continue
      shuffled[i] = other
      shuffled[j] = one
    }
    return shuffled
  }

  /** Roughly exponential with this mean, in whole units: short mostly, now and then several times the mean. */
  exponential(mean: number): number {
    const quantile = EXPONENTIAL_PERMILLE[this.below(EXPONENTIAL_PERMILLE.length)] ?? 0
    return Math.floor((mean * quantile) / 1_000)
  }

  bytes(count: number): Uint8Array {
    const bytes = new Uint8Array(count)
    for (let i = 0; i < count; i++) bytes[i] = this.uint32() >>> 24
    return bytes
  }

  float(): number {
    return this.uint32() / 2 ** 32
  }
}

/**
 * Quantiles of the exponential distribution with mean 1000, at the middles of 32 equal parts. A table, because the
 * logarithm is not specified to the last bit.
 */
const EXPONENTIAL_PERMILLE = [
  16, 48, 81, 116, 152, 189, 227, 267, 309, 353, 398, 446, 496, 549, 605, 664, 726, 792, 863, 939, 1021, 1110, 1207,
  1314, 1432, 1566, 1720, 1902, 2126, 2414, 2843, 4159,
]

function rotate(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits))
}

function mix(text: string, salt: number): number {
  let hash = Math.imul(0x811c9dc5 ^ salt, 0x9e3779b1)
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) | 0
}
