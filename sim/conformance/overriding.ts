// A Transport with some of its methods replaced.
import type { Transport } from '../../transport/port.ts'

export function overriding(transport: Transport, overrides: Partial<Transport>): Transport {
  return {
    self: transport.self,
    start: () => transport.start(),
    stop: () => transport.stop(),
    addresses: () => transport.addresses(),
    publish: (topic, bytes) => transport.publish(topic, bytes),
    subscribe: (topic, handler) => transport.subscribe(topic, handler),
    request: (peer, protocol, bytes, options) => transport.request(peer, protocol, bytes, options),
    handle: (protocol, handler) => transport.handle(protocol, handler),
    peers: () => transport.peers(),
    learn: (peer, addresses) => transport.learn(peer, addresses),
    on: (event, listener) => transport.on(event, listener),
    ...overrides,
  }
}
