// One worker of a swarm: a seed comes in, its outcome goes out.
import { parentPort, workerData } from 'node:worker_threads'
import { openSource, type Source } from '../scenarios/source.ts'
import { outcomeOf } from './outcome.ts'

const port = parentPort
if (port === null) throw new Error('this file runs in a worker of a swarm')
const experimentOf = await openSource(workerData as Source)
port.on('message', (seed: number) => port.postMessage(outcomeOf(seed, experimentOf(seed))))
port.postMessage('ready')
