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

const ROOT = '/sys/fs/cgroup'

/** Scheduler periods since the group was created. */
export interface ThrottlePeriods {
  readonly periods: number
  readonly throttled: number
}

/** Bytes. */
interface MemoryUse {
  readonly limit: number
  /** Memory that the kernel cannot reclaim by dropping file caches: it counts toward the limit. */
  readonly used: number
}

interface Files {
  /** A file by which a folder is recognized as a group of this controller. */
  readonly memoryUsed: string
  readonly memoryLimit: string
  readonly inactive: string
  readonly cpuLimit: string
}

const UNIFIED: Files = {
  memoryUsed: 'memory.current',
  memoryLimit: 'memory.max',
  inactive: 'inactive_file',
  cpuLimit: 'cpu.max',
}
const LEGACY: Files = {
  memoryUsed: 'memory.usage_in_bytes',
  memoryLimit: 'memory.limit_in_bytes',
  inactive: 'total_inactive_file',
  cpuLimit: 'cpu.cfs_quota_us',
}

/**
 * Limits of the process's control group, version 2 or 1. A value is `undefined` if there is no limit, no
 * group, or the file cannot be read.
 *
 * https://docs.kernel.org/admin-guide/cgroup-v2.html, https://docs.kernel.org/scheduler/sched-bwc.html
 */
export class Cgroup {
  readonly #read: SystemReaders['text']
  readonly #isUnified: boolean
  readonly #files: Files
  /** The process's own group and those above it: any of them may have a limit. */
  readonly #cpu: readonly string[]
  readonly #memory: readonly string[]

  constructor(read: SystemReaders['text']) {
    this.#read = read
    this.#isUnified = read(`${ROOT}/cgroup.controllers`) !== undefined
    this.#files = this.#isUnified ? UNIFIED : LEGACY
    const membership = read('/proc/self/cgroup') ?? ''
    const folders = (controller: string, file: string) =>
      (this.#isUnified ? unifiedFolders(membership) : legacyFolders(membership, controller)).filter(
        (folder) => read(`${folder}/${file}`) !== undefined,
      )
    this.#cpu = folders('cpu', this.#files.cpuLimit)
    this.#memory = folders('memory', this.#files.memoryUsed)
  }

  /** Processors' worth of time that it may take. */
  cpus(): number | undefined {
    let least: number | undefined
    for (const folder of this.#cpu) {
      const cpus = this.#isUnified ? this.#unifiedQuota(folder) : this.#legacyQuota(folder)
      if (cpus !== undefined && (least === undefined || cpus < least)) least = cpus
    }
    return least
  }

  throttling(): ThrottlePeriods | undefined {
    for (const folder of this.#cpu) {
      const stat = this.#read(`${folder}/cpu.stat`)
      const periods = field(stat, 'nr_periods')
      const throttled = field(stat, 'nr_throttled')
      // A group without a quota has no periods; one above it may have.
      if (periods !== undefined && periods > 0 && throttled !== undefined) return { periods, throttled }
    }
    return undefined
  }

  /**
   * Values of the group with the lowest limit.
   *
   * @param most - A limit of this many bytes or more counts as unlimited.
   */
  memory(most: number): MemoryUse | undefined {
    const { memoryLimit, memoryUsed, inactive } = this.#files
    let least: MemoryUse | undefined
    for (const folder of this.#memory) {
      const limit = whole(this.#read(`${folder}/${memoryLimit}`))
      const used = whole(this.#read(`${folder}/${memoryUsed}`))
      if (
        limit === undefined ||
        limit === 0 ||
        used === undefined ||
        limit >= Math.min(most, least?.limit ?? most)
      )
        continue
      least = { limit, used: Math.max(0, used - (field(this.#read(`${folder}/memory.stat`), inactive) ?? 0)) }
    }
    return least
  }

  /** `max 100000` or `150000 100000`. */
  #unifiedQuota(folder: string): number | undefined {
    const [quota, period] = (this.#read(`${folder}/cpu.max`) ?? '').trim().split(' ')
    return quotient(whole(quota), whole(period))
  }

  /** A quota of -1 is none. */
  #legacyQuota(folder: string): number | undefined {
    return quotient(
      whole(this.#read(`${folder}/cpu.cfs_quota_us`)),
      whole(this.#read(`${folder}/cpu.cfs_period_us`)),
    )
  }
}

/** Lines `0::/path`. */
function unifiedFolders(membership: string): readonly string[] {
  return upwards(ROOT, /^0::(\/.*)$/m.exec(membership)?.[1] ?? '/')
}

/** Lines `4:cpu,cpuacct:/path`. */
function legacyFolders(membership: string, controller: string): readonly string[] {
  for (const line of membership.split('\n')) {
    const [, controllers = '', path = ''] = /^\d+:([^:]*):(\/.*)$/.exec(line) ?? []
    if (!controllers.split(',').includes(controller)) continue
    const folders = upwards(`${ROOT}/${controller}`, path)
    return controllers === controller ? folders : [...folders, ...upwards(`${ROOT}/${controllers}`, path)]
  }
  return []
}

/** In a container, the path can be that of the host, while the group is at the root of the mount. */
function upwards(root: string, path: string): readonly string[] {
  const parts = path.split('/').filter((part) => part !== '' && part !== '..')
  return parts.map((_, at) => `${root}/${parts.slice(0, parts.length - at).join('/')}`).concat(root)
}

function field(text: string | undefined, name: string): number | undefined {
  return whole(new RegExp(`^${name} (\\d+)$`, 'm').exec(text ?? '')?.[1])
}

function whole(text: string | undefined): number | undefined {
  return text !== undefined && /^\s*\d+\s*$/.test(text) ? Number(text) : undefined
}

function quotient(quota: number | undefined, period: number | undefined): number | undefined {
  return quota !== undefined && period !== undefined && quota > 0 && period > 0 ? quota / period : undefined
}
