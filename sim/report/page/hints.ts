// What is said of the thing under the pointer.
import { DOWN, FLIGHT_CLASSES, type FlightClass, type WriteFacts } from './data.ts'
import { faultHint } from './faults.ts'
import { firstFrom, value, type Model } from './model.ts'
import { countLabel, durationLabel, timeLabel } from './scale.ts'
import type { Hint } from './track.ts'

const CLASS_NAMES: Readonly<Record<FlightClass, string>> = {
  frame: 'change',
  repair: 'repair',
  ack: 'acknowledgement',
  heartbeat: 'heartbeat',
}
const WAYS = ['gossip on', 'request', 'response to']

export function flightHint(model: Model, flight: number): Hint {
  const { columns, facts } = model
  const kind = FLIGHT_CLASSES[value(columns.flightClass, flight)] ?? 'frame'
  const from = model.peerName(value(columns.flightFrom, flight))
  const to = model.peerName(value(columns.flightTo, flight))
  const sent = value(model.sentAt, flight)
  const arrived = value(model.arrivedAt, flight)
  const about = facts.texts[value(columns.flightAbout, flight)] ?? ''
  const way = WAYS[value(columns.flightWay, flight)] ?? ''
  const fate = Number.isNaN(arrived)
    ? value(columns.flightLost, flight) === 1
      ? 'lost on the way'
      : 'never arrived: the link was blocked, the connection broke, or the run ended'
    : `arrived after ${durationLabel(arrived - sent)}, at ${timeLabel(arrived, 1)}`
  const bytes = countLabel(value(columns.flightBytes, flight))
  return {
    title: `${CLASS_NAMES[kind]} ${from} → ${to}`,
    lines: [`${way} ${about}, ${bytes} bytes`, `left at ${timeLabel(sent, 1)}`, fate],
  }
}

export function writeHint(model: Model, write: WriteFacts): Hint {
  const { tag, session, kind, client, lane, durability, invokedAt, endedAt, outcome, isDegraded, copies, error } = write
  const took = durationLabel(endedAt - invokedAt)
  const on = copies.map((copy) => model.peerName(copy)).join(' ')
  const told =
    outcome === 'acked'
      ? `acknowledged after ${took} as on the disks of ${on}${isDegraded ? ', degraded' : ''}`
      : `${outcome} after ${took}`
  return {
    title: `${kind} ${tag} on ${session}`,
    lines: [
      `${client} at ${model.peerName(lane)}, ${timeLabel(invokedAt)}`,
      `asked for durability ${durability}`,
      told,
      error,
    ].filter(Boolean),
  }
}

/** The peer at that time: its state, its numbers, its faults. */
export function laneHint(model: Model, lane: number, time: number): Hint {
  const sample = model.sampleAt(time)
  const { columns, facts } = model
  const lines = [timeLabel(time)]
  if (columns.lag.length > 0) {
    const lag = model.sampled(columns.lag, lane, sample)
    const homes = model.sampled(columns.homes, lane, sample)
    const differing = model.sampled(columns.differing, lane, sample)
    if (!Number.isNaN(lag)) lines.push(`replication lag ${Math.round(lag)} ms`)
    if (homes !== DOWN) lines.push(`home of ${homes} ${plural(homes)}`)
    if (differing !== DOWN)
      lines.push(
        `${differing} ${plural(differing)} ${differing === 1 ? 'differs' : 'differ'} from the union of all disks`,
      )
  }
  for (const fault of facts.faults) {
    if (fault.at > time || time > fault.until) continue
    const here = fault.lanes.find((one) => one.lane === lane)
    if (here !== undefined)
      lines.push(
        `${fault.kind}${here.label === fault.kind ? '' : `: ${here.label}`} (${faultHint(fault, model).lines[0]})`,
      )
  }
  return { title: `${model.peerName(lane)}, ${model.stateAt(lane, time)}`, lines }
}

function plural(sessions: number): string {
  return sessions === 1 ? 'session' : 'sessions'
}

/** Disks that held a write at `time`, by lane. */
export function holdersAt(model: Model, write: number, time: number): number[] {
  const { stepAt, stepWrite, stepLane, stepGain } = model.columns
  const holders = new Set<number>()
  const last = firstFrom(stepAt, time + 1)
  for (let step = 0; step < last; step++) {
    if (value(stepWrite, step) !== write) continue
    if (value(stepGain, step) === 1) holders.add(value(stepLane, step))
    else holders.delete(value(stepLane, step))
  }
  return [...holders]
}
