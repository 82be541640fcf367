// The Transport over libp2p.
//
//   const { privateKey } = await generateIdentity(random.bytes(32))
//   const transport = createLibp2pTransport({
//     privateKey,
//     listen: ['/ip4/0.0.0.0/tcp/4001'],
//     bootstrap: ['/dns4/edge-1/tcp/4001'],
//     mdns: false,
//     meshName: 'shop',
//     meshKey,
//   })
//   await transport.start()

export { generateIdentity, type Identity } from './identity.ts'
export type { Log, LogLevel } from './log.ts'
export { createLibp2pTransport, type Libp2pTransportOptions } from './transport.ts'
