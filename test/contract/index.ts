// What every implementation of a port must do, as Vitest suites: run them on your own Clock, Store,
// Transport or SnapshotTarget.
//
//   import { runStoreContract } from 'sessionmesh/contract'
//
//   runStoreContract('mine', async () => ({ store: createMine(directory), reopen: () => createMine(directory) }))
export { runClockContract, type ClockHarness } from './clock.contract.ts'
export { runSnapshotTargetContract } from './snapshot-target.contract.ts'
export { runStoreContract, type StoreFixture } from './store.contract.ts'
export { runTransportContract, type MakeMesh, type TransportMesh } from './transport.contract.ts'
