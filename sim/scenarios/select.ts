// Words for machines, so that one scenario fits any number of peers.
import type { PlannedMachine } from '../plan/plan.ts'
import type { Dice } from '../world/dice.ts'
import type { Groups } from './fault-schema.ts'
import { ScenarioProblem } from './problem.ts'

type Words = string | readonly string[]

export class Selector {
  readonly #machines: readonly PlannedMachine[]
  readonly #names: readonly string[]
  readonly #path: string
  readonly #turn: number
  readonly #dice: Dice

  /** @param turn which repetition of a fault it is, from 0; `dice` are its own */
  constructor(machines: readonly PlannedMachine[], path: string, turn: number, dice: Dice) {
    this.#machines = machines
    this.#names = machines.map(({ name }) => name)
    this.#path = path
    this.#turn = turn
    this.#dice = dice
  }

  /**
   * The machines that are meant, in their own order.
   * @param others those that `rest` leaves out
   * @throws ScenarioProblem for a name that there is not, and if nobody is meant
   */
  machines(words: Words, others: readonly string[] = []): string[] {
    const chosen = new Set([words].flat().flatMap((word) => this.#word(word, others)))
    if (chosen.size === 0) throw new ScenarioProblem(this.#path, `${[words].flat().join(', ')}: that is nobody here`)
    return this.#names.filter((name) => chosen.has(name))
  }

  /** Two sides: `rest` on one means whoever is not on the other. */
  sides(one: Words, other: Words): [string[], string[]] {
    const isRest = [one].flat().includes('rest')
    const second = isRest ? this.machines(other) : undefined
    const first = this.machines(one, second)
    return [first, second ?? this.machines(other, first)]
  }

  /** Groups of machines that reach each other. */
  groups(groups: Groups): string[][] {
    if (typeof groups !== 'string') {
      const named = groups.filter((words) => ![words].flat().includes('rest')).flatMap((words) => this.machines(words))
      return groups.map((words) => this.machines(words, named))
    }
    const names = this.#names
    const middle = Math.ceil(names.length / 2)
    switch (groups) {
      case 'halves':
        return [names.slice(0, middle), names.slice(middle)]
      case 'majority':
        return [this.machines('majority'), this.machines('minority')]
      case 'apart':
        return names.map((name) => [name])
      case 'bridge':
        return [names.slice(0, middle), names.slice(middle - 1)]
      case 'ring':
        return names.map((name, index) => [name, names[(index + 1) % names.length] ?? name])
      case 'zones':
        return [...Map.groupBy(this.#machines, ({ zone }) => zone).values()].map((members) =>
          members.map(({ name }) => name),
        )
    }
  }

  #word(word: string, others: readonly string[]): readonly string[] {
    const names = this.#names
    const majority = Math.floor(names.length / 2) + 1
    switch (word) {
      case 'all':
        return names
      case 'half':
        return names.slice(0, Math.ceil(names.length / 2))
      case 'majority':
        return names.slice(0, majority)
      case 'minority':
        return names.slice(majority)
      case 'first':
        return names.slice(0, 1)
      case 'last':
        return names.slice(-1)
      case 'rest':
        return names.filter((name) => !others.includes(name))
      case 'each':
        return names.slice(this.#turn % names.length).slice(0, 1)
      case 'any':
        return [this.#dice.pick(names)]
      default:
        return this.#named(word)
    }
  }

  #named(word: string): readonly string[] {
    const zone = /^zone (.+)$/.exec(word)?.[1]
    const found = this.#machines.filter((machine) =>
      zone === undefined ? machine.name === word : machine.zone === zone,
    )
    if (found.length > 0) return found.map(({ name }) => name)
    const known = zone === undefined ? this.#names : [...new Set(this.#machines.map((machine) => machine.zone))]
    throw new ScenarioProblem(
      this.#path,
      `there is no ${zone === undefined ? 'machine ' : ''}${word}, only ${known.join(', ')}`,
    )
  }
}
