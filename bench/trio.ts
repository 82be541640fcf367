// Three processes of the benchmark that know each other: the first writes, the others receive.
import { waitFor } from '../node/demo/waits.ts'
import { Child } from './child.ts'

interface Identity {
  readonly peer: string
  readonly addresses: readonly string[]
}

export class Trio {
  readonly writer: Child
  readonly all: readonly Child[]
  /** Peer ids of the two that don't write. */
  readonly receivers: readonly string[]

  private constructor(writer: Child, others: readonly Child[], receivers: readonly string[]) {
    this.writer = writer
    this.all = [writer, ...others]
    this.receivers = receivers
  }

  /** @param options of a process of this name; `bootstrap` is empty for the first */
  static async start(script: string, options: (name: string, bootstrap: readonly string[]) => object): Promise<Trio> {
    const writer = new Child(script, options('a', []))
    const { addresses } = await writer.ask<Identity>('identify')
    const others = ['b', 'c'].map((name) => new Child(script, options(name, addresses)))
    const identities = await Promise.all(others.map((child) => child.ask<Identity>('identify')))
    const receivers = identities.map(({ peer }) => peer)
    const trio = new Trio(writer, others, receivers)
    await waitFor('the first process to meet the others', async () => {
      return (await writer.ask<number>('ready')) === receivers.length
    })
    return trio
  }

  /** CPU time of all three until now, µs. */
  async cpuMicroseconds(): Promise<number> {
    const times = await Promise.all(this.all.map((child) => child.ask<number>('cpuMicroseconds')))
    return times.reduce((sum, time) => sum + time, 0)
  }

  async end(): Promise<void> {
    await Promise.all(this.all.map((child) => child.end()))
  }
}
