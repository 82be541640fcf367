// Tier B: the real libp2p and gossipsub, with our dialer, watch and requests around them, over simulated TCP.
import { crc32 } from 'node:zlib'
import { generateIdentity, createLibp2pTransport } from '../../transport/libp2p/index.ts'
import type { PeerId, Transport } from '../../transport/port.ts'
import { isMuted, type Attachment, type Tier, type Wiring } from '../world/tier.ts'
import { around, giveDice, inside } from './globals.ts'
import { simulatedTcp, type AddressBook } from './libp2p-transport.ts'
import { overriding } from './overriding.ts'
import { TcpHost } from './tcp-host.ts'

const PORT = 7600

export interface RealTierOptions {
  /** Stands between a peer and its transport. */
  readonly watch: (transport: Transport, wiring: Wiring) => Transport
  /** The transport's own complaints: every one is a defect, in it or in the simulation. */
  readonly onError: (machine: string, message: string, fields: object) => void
}

export function realTier({ watch, onError }: RealTierOptions): Tier {
  const machines = new Map<PeerId, string>()
  return {
    inside,
    around,
    async attach(seed, wiring): Promise<Attachment> {
      giveDice(wiring.process, wiring.dice.fork('globals'))
      const book = addressBook([wiring.machine, ...wiring.bootstrap])
      const endpoint = new TcpHost(wiring)
      const { privateKey } = await generateIdentity(seed)
      const transport = createLibp2pTransport({
        privateKey,
        listen: [book.addressOf(wiring.machine)],
        bootstrap: wiring.bootstrap.map((machine) => book.addressOf(machine)),
        mdns: false,
        meshName: 'simulated',
        meshKey: undefined,
        wire: simulatedTcp(endpoint, book),
        log(level, message, fields) {
          wiring.trace.add(wiring.network.loop.now, wiring.machine, 'log', level, message)
          if (level === 'error') onError(wiring.machine, message, fields)
        },
      })
      machines.set(transport.self, wiring.machine)
      return { transport: watch(traced(transport, wiring, machines), wiring), endpoint }
    },
  }
}

/** Names in order, numbered from 10.0.0.1 on: the same on every machine. */
function addressBook(machines: readonly string[]): AddressBook {
  const addresses = new Map(
    machines.toSorted().map((machine, index) => [machine, `/ip4/10.0.0.${index + 1}/tcp/${PORT}`]),
  )
  const byAddress = new Map([...addresses].map(([machine, address]) => [address, machine]))
  return {
    addressOf: (machine) => addresses.get(machine) ?? '',
    machineAt: (address) => byAddress.get(address),
  }
}

/** Tells the trace what goes through the transport, as the model does of itself; and mutes what the plan wants muted. */
function traced(transport: Transport, wiring: Wiring, machines: ReadonlyMap<PeerId, string>): Transport {
  const { machine, network, trace, gossipsChanges } = wiring
  const add = (kind: 'gossip' | 'heard' | 'request' | 'response', peer: PeerId | '', detail: string, number: number) =>
    trace.add(network.loop.now, machine, kind, peer === '' ? '' : (machines.get(peer) ?? ''), detail, number)
  return overriding(transport, {
    async publish(topic, bytes) {
      add('gossip', '', topic, crc32(bytes))
      return isMuted(topic, gossipsChanges) ? 0 : await transport.publish(topic, bytes)
    },
    subscribe: (topic, handler) =>
      transport.subscribe(topic, (message) => {
        add('heard', message.from, topic, crc32(message.bytes))
        return handler(message)
      }),
    async request(peer, protocol, bytes, options) {
      add('request', peer, protocol, bytes.length)
      const answer = await transport.request(peer, protocol, bytes, options)
      add('response', peer, protocol, answer.length)
      return answer
    },
  })
}
