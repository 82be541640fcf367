/** Where a peer says what it does. Levels as in pino. */
export type Log = (level: 'debug' | 'info' | 'warn' | 'error', message: string, fields?: object) => void

/** For embedding: an application that wants the peer's log hands in its own. */
export const quietLog: Log = () => {}
