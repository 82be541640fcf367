// A disk without room for more. Unlike other failures it passes, so what could not be written waits until it has, and
// is then written as if it were the first time.
import { open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../ports/clock.ts'
import { delay } from '../util/timers.ts'
import { reasonOf } from './level-errors.ts'

/** What the database needs to open again and to go on: twice its write buffer. */
const ROOM_BYTES = 8 * 1024 * 1024
/** Pause before it is tried again whether there is room. */
const LOOK_MS = 1_000

export interface RoomOptions {
  readonly directory: string
  readonly clock: Clock
  /** False once nobody waits for the write any more. */
  readonly isWanted: () => boolean
  /** Runs once there is room, before the write is done again. */
  readonly beforeAgain: () => Promise<void>
}

export class Room {
  readonly #options: RoomOptions
  #obstacle: string | undefined

  constructor(options: RoomOptions) {
    this.#options = options
  }

  /** Why writes wait, while they do. */
  get obstacle(): string | undefined {
    return this.#obstacle
  }

  /** Does it again after a full disk, however long that lasts. @throws whatever else it fails with */
  async wait(write: () => Promise<void>): Promise<void> {
    const { directory, clock, isWanted, beforeAgain } = this.#options
    for (;;) {
      try {
        await write()
        this.#obstacle = undefined
        return
      } catch (cause) {
        if (!isFull(cause)) throw cause
        this.#obstacle = `there is no room on the disk of ${directory}: ${reasonOf(cause)}`
        while (!(await hasRoom(directory))) {
          await delay(clock, LOOK_MS)
          if (!isWanted()) throw cause
        }
        await beforeAgain()
      }
    }
  }
}

/** Whether an error says that a disk, a quota or a limit on files is used up. */
export function isFull(error: unknown): boolean {
  return /No space left on device|Disk quota exceeded|File too large|ENOSPC|EDQUOT|EFBIG/.test(reasonOf(error))
}

/** Tried by writing, because free space is no promise to this process. */
async function hasRoom(directory: string): Promise<boolean> {
  const path = join(directory, 'room')
  try {
    const file = await open(path, 'w')
    try {
      await file.writeFile(new Uint8Array(ROOM_BYTES))
      await file.sync()
    } finally {
      await file.close()
    }
    return true
  } catch {
    return false
  } finally {
    await rm(path, { force: true })
  }
}
