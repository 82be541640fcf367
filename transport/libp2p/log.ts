// How the transport tells what happens to it; node/ passes its logger in.

export type LogLevel = 'debug' | 'info' | 'warn' | 'error'
export type Log = (level: LogLevel, message: string, fields: Readonly<Record<string, unknown>>) => void

export const silentLog: Log = () => {}
