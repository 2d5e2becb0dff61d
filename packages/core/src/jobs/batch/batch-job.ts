/** `completed`: every item was tried, and no more failed than may. `failed`: more did. `cancelled`: it is over, and not every item was tried. */
export type BatchStatus = 'pending' | 'processing' | 'completed' | 'failed' | 'cancelled'

/** Many items, cut into tasks. */
export interface BatchJob<T = unknown> {
  readonly id: string
  /** The processor's. */
  readonly name: string
  /** The array that was given; empty for an iterable, and for a batch that was read from where it is kept: see `getBatchItems`. */
  readonly items: readonly T[]
  readonly batchSize: number
  readonly status: BatchStatus
  /** 0 to 100. */
  readonly progress: number
  /** Items that were processed without an error. */
  readonly processedItems: number
  /** Items that failed for good. */
  readonly failedItems: number
  readonly totalItems: number
}

/** How far a batch is. */
export interface ProgressDetails {
  readonly batchId: string
  readonly name: string
  readonly status: BatchStatus
  /** 0 to 100: the share of items that are over, whether they failed or not. */
  readonly progress: number
  readonly totalItems: number
  readonly processedItems: number
  readonly failedItems: number
  /** Items a second since it began. 0 before the first is over. */
  readonly ratePerSecond: number
  /** Seconds until it is over at that rate; `undefined` while there is no rate. */
  readonly etaSeconds: number | undefined
  /** Milliseconds since 1970, as all times here. */
  readonly createdAt: number
  readonly finishedAt?: number
}
