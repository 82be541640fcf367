// The simulated ports keep the contracts that the real ones keep. Virtual time is moved on from here while a test waits.
import { afterAll, beforeAll } from 'vitest'
import { systemClock, type Cancel } from '../../../node/ports/clock.ts'
import { every } from '../../../node/util/timers.ts'
import { inMacrotask } from '../../../sim/run/in-macrotask.ts'
import { ClockDrift } from '../../../sim/world/clock-drift.ts'
import { Dice } from '../../../sim/world/dice.ts'
import { SimDisk } from '../../../sim/world/disk.ts'
import { Loop, MS } from '../../../sim/world/loop.ts'
import { Network } from '../../../sim/world/network.ts'
import { micros, SimProcess } from '../../../sim/world/process.ts'
import { Trace } from '../../../sim/world/trace.ts'
import { Traffic } from '../../../sim/world/traffic.ts'
import { SimTransport } from '../../../sim/world/transport.ts'
import type { PeerId } from '../../../transport/port.ts'
import { waitFor } from '../../support/wait.ts'
import { runClockContract, runStoreContract, runTransportContract } from '../../contract/index.ts'

const loop = new Loop()
let stopPump: Cancel = () => {}
beforeAll(() => {
  stopPump = every(systemClock, 1, () => loop.runUntil(loop.now + 10 * MS))
})
afterAll(() => stopPump())

function startProcess(): SimProcess {
  return new SimProcess(loop, new ClockDrift(loop), {
    inside: (_process, code) => code(),
    // In a run it ends the process, and the run: what a real transport survives a simulated peer must not do at all.
    onThrow: () => {},
  })
}

runClockContract('simulated', () => {
  const { clock } = startProcess()
  return { clock, elapse: (ms) => inMacrotask(() => loop.runUntil(loop.now + micros(ms))) }
})

const noEvents = { onSynced: () => {}, onRewritten: () => {}, onRemoving: () => {}, onLost: () => {} }

runStoreContract('simulated', async () => {
  const disk = new SimDisk({ syncMean: MS, readMean: MS / 10 }, new Dice('disk'), noEvents)
  const open = () => disk.store(startProcess())
  return { store: open(), reopen: open }
})

runTransportContract('simulated', async (count) => {
  const quality = { latencyMin: MS, latencyMean: MS, lossPerMillion: 0, duplicatePerMillion: 0, bytesPerMs: 0 }
  const [trace, traffic] = [new Trace(false), new Traffic(false)]
  const network = new Network(loop, trace, new Dice('net'), quality)
  const machines = Array.from({ length: count }, (_, index) => `m${index}`)
  const transports = machines.map((machine, index) => {
    const bootstrap = machines.filter((other) => other !== machine)
    const [process, dice] = [startProcess(), new Dice(machine)]
    const shared = { network, trace, traffic, gossipsChanges: true }
    return new SimTransport(new Uint8Array(32).fill(index), { machine, process, dice, bootstrap, ...shared })
  })
  await Promise.all(transports.map((transport) => transport.start()))
  const areConnected = () => transports.every((transport) => transport.peers().length === count - 1)
  await waitFor(areConnected, { timeoutMs: 10_000, what: 'all to be connected' })
  const stop = async () => void (await Promise.all(transports.map((transport) => transport.stop())))
  return { transports, stranger: 'sim-nobody' as PeerId, stop }
})
