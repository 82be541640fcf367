// A network of namespaces, one for each machine, with a router in between that can keep any machine from hearing any other:
// the namespace of this very process (test/net/main.ts has made it and ends with it). The router's own way to the
// machines, on which tests ask peers, is never cut.
import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { promisify } from 'node:util'
import type { Link } from '../../../sim/faults/links.ts'

const run = promisify(execFile)
/** Set where this process may do to the network whatever it likes. */
export const OWN_NETWORK = 'SESSIONMESH_OWN_NETWORK'
/** The chain that everything forwarded goes through. */
const CUT = 'CUT'

export class Network {
  readonly #names: readonly string[]
  #dropped = 0

  private constructor(names: readonly string[]) {
    this.#names = names
  }

  /** @throws Error outside a network namespace made for it */
  static async make(names: readonly string[]): Promise<Network> {
    if (process.env[OWN_NETWORK] === undefined) throw new Error('there is no network to cut here: npm run test:net')
    const network = new Network(names)
    await ip('link', 'set', 'lo', 'up')
    writeFileSync('/proc/sys/net/ipv4/ip_forward', '1')
    // A slow link is no reservoir: the router takes in little more than it can pass on.
    writeFileSync('/proc/sys/net/ipv4/tcp_rmem', '4096 8192 16384')
    await run('iptables', ['-P', 'FORWARD', 'ACCEPT'])
    await setChain([])
    await run('iptables', ['-A', 'FORWARD', '-j', CUT])
    for (const name of names) await network.#attach(name)
    return network
  }

  /** Where a machine can be reached. */
  address(name: string): string {
    return `10.77.${this.#number(name)}.2`
  }

  /** The command that runs another one on a machine. */
  within(name: string): readonly string[] {
    return ['ip', 'netns', 'exec', name]
  }

  /** What a machine sends to a port of another one goes to a port of the router instead. */
  async redirect(from: string, to: string, port: number, routerPort: number): Promise<void> {
    const what = ['-p', 'tcp', '-d', this.address(to), '--dport', String(port)]
    const instead = `10.77.${this.#number(from)}.1:${routerPort}`
    const words = ['iptables', '-t', 'nat', '-A', 'OUTPUT', ...what, '-j', 'DNAT', '--to-destination', instead]
    await ip('netns', 'exec', from, ...words)
  }

  /** Closes these links, at once, and opens all others. */
  async close(links: readonly Link[]): Promise<void> {
    this.#dropped += await countDropped()
    await setChain(links.map(([from, to]) => `-A ${CUT} -s ${this.address(from)} -d ${this.address(to)} -j DROP`))
  }

  /** Packets that closed links have swallowed so far: a cut that swallowed none was none. */
  async dropped(): Promise<number> {
    return this.#dropped + (await countDropped())
  }

  async remove(): Promise<void> {
    for (const name of this.#names) {
      // A namespace goes in its own time, and its end of the cable with it: not before the next one is laid.
      await ip('link', 'delete', `to-${name}`)
      await ip('netns', 'delete', name)
    }
    await run('iptables', ['-F', 'FORWARD'])
  }

  async #attach(name: string): Promise<void> {
    const number = this.#number(name)
    const outer = `to-${name}`
    await ip('netns', 'add', name)
    await ip('link', 'add', outer, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', name)
    await ip('address', 'add', `10.77.${number}.1/24`, 'dev', outer)
    await ip('link', 'set', outer, 'up')
    await ip('-n', name, 'address', 'add', `10.77.${number}.2/24`, 'dev', 'eth0')
    await ip('-n', name, 'link', 'set', 'eth0', 'up')
    await ip('-n', name, 'link', 'set', 'lo', 'up')
    await ip('-n', name, 'route', 'add', 'default', 'via', `10.77.${number}.1`)
  }

  #number(name: string): number {
    const index = this.#names.indexOf(name)
    if (index < 0) throw new Error(`there is no machine ${name}; there are ${this.#names.join(', ')}`)
    return index + 1
  }
}

async function ip(...words: string[]): Promise<void> {
  await run('ip', words)
}

/** Replaces the whole chain in one step. */
async function setChain(rules: readonly string[]): Promise<void> {
  const restoring = run('iptables-restore', ['--noflush'])
  restoring.child.stdin?.end(['*filter', `:${CUT} - [0:0]`, ...rules, 'COMMIT', ''].join('\n'))
  await restoring
}

async function countDropped(): Promise<number> {
  const { stdout } = await run('iptables', ['-nvxL', CUT])
  const counts = stdout.matchAll(/^\s*(\d+)\s+\d+\s+DROP/gm)
  return [...counts].reduce((sum, [, packets]) => sum + Number(packets), 0)
}
