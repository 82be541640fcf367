// What the benchmark measured, in numbers: rates over all rounds together, latencies as the median of the rounds.

/** One turn of the baseline: messages that reached both receivers. */
export interface GossipTurn {
  readonly messages: number
  readonly seconds: number
  readonly cpuMicroseconds: number
}

/** One turn of the mesh: writes that came back with their receipt. */
export interface MeshTurn {
  readonly acknowledged: number
  /** Receipts with fewer than two copies. */
  readonly degraded: number
  readonly seconds: number
  readonly frames: number
  readonly updates: number
  readonly exchanges: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly cpuMicroseconds: number
}

export interface Round {
  readonly gossip: GossipTurn
  readonly mesh: MeshTurn
}

export interface Report {
  readonly gossipMessagesPerSecond: number
  readonly acknowledgedUpdatesPerSecond: number
  readonly ratio: number
  readonly ratioByRound: readonly number[]
  readonly updatesPerFrame: number
  readonly writeLatencyP50Ms: number
  readonly writeLatencyP99Ms: number
  /** CPU time of all three processes. */
  readonly cpuMicrosecondsPerMessage: number
  readonly cpuMicrosecondsPerUpdate: number
  readonly writers: number
  readonly acknowledgedUpdates: number
  readonly degradedReceipts: number
  readonly exchanges: number
}

export function report(rounds: readonly Round[], writers: number): Report {
  const gossip = rounds.map((round) => round.gossip)
  const mesh = rounds.map((round) => round.mesh)
  const messages = sum(gossip, (turn) => turn.messages)
  const acknowledged = sum(mesh, (turn) => turn.acknowledged)
  const gossipRate = messages / sum(gossip, (turn) => turn.seconds)
  const meshRate = acknowledged / sum(mesh, (turn) => turn.seconds)
  return {
    gossipMessagesPerSecond: Math.round(gossipRate),
    acknowledgedUpdatesPerSecond: Math.round(meshRate),
    ratio: tenths(meshRate / gossipRate),
    ratioByRound: rounds.map((round) => tenths(rateOf(round.mesh) / (round.gossip.messages / round.gossip.seconds))),
    updatesPerFrame: Math.round(sum(mesh, (turn) => turn.updates) / sum(mesh, (turn) => turn.frames)),
    writeLatencyP50Ms: tenths(median(mesh.map((turn) => turn.p50Ms))),
    writeLatencyP99Ms: tenths(median(mesh.map((turn) => turn.p99Ms))),
    cpuMicrosecondsPerMessage: Math.round(sum(gossip, (turn) => turn.cpuMicroseconds) / messages),
    cpuMicrosecondsPerUpdate: Math.round(sum(mesh, (turn) => turn.cpuMicroseconds) / acknowledged),
    writers,
    acknowledgedUpdates: acknowledged,
    degradedReceipts: sum(mesh, (turn) => turn.degraded),
    exchanges: sum(mesh, (turn) => turn.exchanges),
  }
}

function rateOf(turn: MeshTurn): number {
  return turn.acknowledged / turn.seconds
}

function sum<T>(values: readonly T[], of: (value: T) => number): number {
  return values.reduce((total, value) => total + of(value), 0)
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0
}

function tenths(value: number): number {
  return Math.round(value * 10) / 10
}
