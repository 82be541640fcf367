// Whether the model is at least as hostile as the real thing: it must lose as much, be as late and double as often in
// every situation. A kind model would let bugs through that production then shows.
import { SITUATIONS, type Measured, type Quantiles } from './measure.ts'

/** Both are samples of few runs: this much less is still as much. */
const SHARE_SLACK_PERMILLE = 10
const DELAY_SLACK = 0.15
const DELAY_SLACK_MS = 1

/** A sentence for each measure in which the model is kinder. */
export function kindnesses(model: Measured, real: Measured): string[] {
  const found = SITUATIONS.flatMap((situation) => {
    const [its, wanted] = [model.gossip[situation], real.gossip[situation]]
    return [
      ...kinderShare(`${situation}: lost`, its.lostPermille, wanted.lostPermille),
      ...kinderShare(`${situation}: heard twice`, its.doubledPermille, wanted.doubledPermille),
      ...sooner(`${situation}: delay`, its.delayMs, wanted.delayMs),
    ]
  })
  return [...found, ...sooner('from a start to hearing the others', model.firstHeardMs, real.firstHeardMs)]
}

function kinderShare(what: string, model: number, real: number): string[] {
  return model + SHARE_SLACK_PERMILLE >= real ? [] : [`${what}: ${model}‰ in the model, ${real}‰ really`]
}

function sooner(what: string, model: Quantiles, real: Quantiles): string[] {
  // The very largest is one draw of thousands: it says nothing.
  return (['p50', 'p90', 'p99'] as const).flatMap((quantile) => {
    const isLate = model[quantile] + DELAY_SLACK_MS >= real[quantile] * (1 - DELAY_SLACK)
    return isLate ? [] : [`${what}, ${quantile}: ${model[quantile]} ms in the model, ${real[quantile]} ms really`]
  })
}
