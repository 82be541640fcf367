// Put in front of a conformance run by `node --import`: libp2p must find the virtual globals when it is loaded.
import { install } from './globals.ts'

install()
