import { readFileSync } from 'node:fs'
import { statfs } from 'node:fs/promises'
import { availableParallelism, totalmem } from 'node:os'

/** Blocks of a disk. */
export interface DiskBlocks {
  readonly blocks: number
  /** Not in use, those included that only the superuser may use. */
  readonly bfree: number
  readonly bavail: number
}

/** How the system is read; tests have their own. */
export interface SystemReaders {
  /** A file of the kernel's; `undefined` where there is none, or it may not be read. */
  text(path: string): string | undefined
  disk(path: string): Promise<DiskBlocks>
  /** Microseconds of CPU that the process has taken. */
  cpuMicroseconds(): number
  /** Processors that the process may run on. */
  processors(): number
  /** Bytes. */
  totalMemory(): number
  /** Bytes; without a limit: 0, or more than the total memory. */
  constrainedMemory(): number
  residentMemory(): number
}

export const systemReaders: SystemReaders = {
  // Files of /proc and /sys are made by the kernel as they are read: that waits for no disk.
  text: (path) => {
    try {
      return readFileSync(path, 'latin1')
    } catch {
      return undefined
    }
  },
  disk: (path) => statfs(path),
  cpuMicroseconds: () => {
    const { user, system } = process.cpuUsage()
    return user + system
  },
  processors: () => availableParallelism(),
  totalMemory: () => totalmem(),
  constrainedMemory: () => process.constrainedMemory?.() ?? 0,
  residentMemory: () => process.memoryUsage.rss(),
}
