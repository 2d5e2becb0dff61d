import type { DiskBlocks, SystemReaders } from '../../../src/monitoring/collectors/cgroup.ts'

export const GB = 1_073_741_824

/** The files of a machine with 8 processors and 16 GB. */
export class FakeSystem implements SystemReaders {
  files: Record<string, string>
  cpu = 0
  rss: number = GB
  constrained = 18_446_744_073_709_552_000
  blocks: Promise<DiskBlocks> = Promise.resolve({ blocks: 1_000, bfree: 600, bavail: 400 })

  constructor(files: Readonly<Record<string, string>> = {}) {
    this.files = { ...files }
  }

  text(path: string): string | undefined {
    return this.files[path]
  }

  disk(): Promise<DiskBlocks> {
    return this.blocks
  }

  cpuMicroseconds(): number {
    return this.cpu
  }

  processors(): number {
    return 8
  }

  totalMemory(): number {
    return 16 * GB
  }

  constrainedMemory(): number {
    return this.constrained
  }

  residentMemory(): number {
    return this.rss
  }
}

const V2 = '/sys/fs/cgroup'

/** A container with 1.5 processors and 1 GB. */
export const unified: Readonly<Record<string, string>> = {
  '/proc/self/cgroup': '0::/\n',
  [`${V2}/cgroup.controllers`]: 'cpuset cpu io memory hugetlb pids rdma misc\n',
  [`${V2}/cpu.max`]: '150000 100000\n',
  [`${V2}/cpu.stat`]:
    'usage_usec 1000\nuser_usec 600\nsystem_usec 400\nnr_periods 100\nnr_throttled 10\nthrottled_usec 5\n',
  [`${V2}/memory.current`]: `${0.75 * GB}\n`,
  [`${V2}/memory.max`]: `${GB}\n`,
  [`${V2}/memory.stat`]: `anon 1\nfile 2\ninactive_anon 7\ninactive_file ${0.25 * GB}\nactive_file 9\n`,
}

/** The same with cgroups version 1, as Docker mounts them: the path is the one of the host. */
export const legacy: Readonly<Record<string, string>> = {
  '/proc/self/cgroup':
    '12:pids:/docker/ab12\n4:cpu,cpuacct:/docker/ab12\n3:memory:/docker/ab12\n1:name=systemd:/docker/ab12\n0::/system.slice\n',
  [`${V2}/cpu,cpuacct/cpu.cfs_quota_us`]: '150000\n',
  [`${V2}/cpu,cpuacct/cpu.cfs_period_us`]: '100000\n',
  [`${V2}/cpu,cpuacct/cpu.stat`]: 'nr_periods 100\nnr_throttled 10\nthrottled_time 5\n',
  [`${V2}/memory/memory.usage_in_bytes`]: `${0.75 * GB}\n`,
  [`${V2}/memory/memory.limit_in_bytes`]: `${GB}\n`,
  [`${V2}/memory/memory.stat`]: `cache 1\ninactive_file 1\ntotal_inactive_file ${0.25 * GB}\n`,
}
