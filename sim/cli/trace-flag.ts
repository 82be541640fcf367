// `--trace`: whether the trace is printed, and which events of it.
import { InvalidArgumentError, type Command } from 'commander'
import type { EventKind } from '../world/trace.ts'
import { MARKS, type Shown } from './columns.ts'

export interface TraceFlag {
  readonly trace?: true | Exclude<Shown, undefined>
}

export function withTrace(command: Command): Command {
  return command.option(
    '--trace [kinds]',
    'print what happened, one line an event: all kinds, or some: fault,crash,ack (default: all but gossip and requests)',
    kinds,
  )
}

export function parseShown({ trace }: TraceFlag): Shown | false {
  if (trace === undefined) return false
  return trace === true ? undefined : trace
}

function kinds(text: string): Shown {
  if (text === 'all') return 'all'
  const known = Object.keys(MARKS)
  const stranger = text.split(',').find((kind) => !known.includes(kind))
  if (stranger !== undefined) throw new InvalidArgumentError(`expected all, or some of ${known.join(',')}`)
  return text.split(',') as EventKind[]
}
