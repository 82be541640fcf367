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

  /** @param options of a process of this name; `bootstrap` has the addresses of those before it */
  static async start(script: string, options: (name: string, bootstrap: readonly string[]) => object): Promise<Trio> {
    const all: Child[] = []
    const identities: Identity[] = []
    for (const name of ['a', 'b', 'c']) {
      const known = identities.flatMap(({ addresses }) => addresses)
      const child = new Child(script, options(name, known))
      all.push(child)
      identities.push(await child.ask<Identity>('identify'))
    }
    const [writer, ...others] = all
    if (writer === undefined) throw new Error('no process was started')
    await waitFor('every process to meet the others', async () => {
      const met = await Promise.all(all.map((child) => child.ask<number>('ready')))
      return met.every((count) => count === others.length)
    })
    const receivers = identities.slice(1).map(({ peer }) => peer)
    return new Trio(writer, others, receivers)
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
