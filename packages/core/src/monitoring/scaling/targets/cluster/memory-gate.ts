import { freemem } from 'node:os'

/** Bytes that processes may still take: of the machine, or of the control group that this process is in. */
function availableBytes(): number {
  // Node says 0 where it cannot tell.
  return Math.min(freemem(), process.availableMemory() || Number.POSITIVE_INFINITY)
}

/** How many more workers the memory has room for. */
export class MemoryGate {
  constructor(
    private readonly options: { readonly workerBytes: number; readonly reserveBytes: number },
    private readonly available: () => number = availableBytes,
  ) {}

  /** @param starting - Workers that have not taken yet what they will. */
  room(starting: number): number {
    const { workerBytes, reserveBytes } = this.options
    if (workerBytes === 0) return Number.POSITIVE_INFINITY
    return Math.max(0, Math.floor((this.available() - reserveBytes) / workerBytes) - starting)
  }

  /** Why there is no more room, for people. */
  reason(): string {
    const { workerBytes, reserveBytes } = this.options
    return `Only ${megabytes(this.available())} of memory are free, of which ${megabytes(reserveBytes)} stay free; a worker takes ${megabytes(workerBytes)}.`
  }
}

function megabytes(bytes: number): string {
  return `${Math.round(bytes / 1_048_576)} MB`
}
