// An in-memory Transport for tests: no sockets, no keys, delivery in order by microtasks.
//
//   const network = createMemoryNetwork()
//   const a = network.transport('a')
//   const b = network.transport('b')
//   await a.start()
//   await b.start()
//   network.cut('a', 'b')

export { createMemoryNetwork } from './network.ts'
export type { MemoryNetwork, MemoryNetworkOptions, MemoryTimers, Parcel } from './network.ts'
