import { EVERY_TAG, type StoredEntry, type StoreState } from '../cache-store.ts'

/** A batch with more keys is sent immediately, so that no reply blocks the server for long. */
const MAX_KEYS = 2_000

/** The reply of a server to one batch. */
export interface BatchReply {
  /** The stored epoch; `undefined` if it does not belong to the connected server. */
  readonly epoch: string | undefined
  readonly stamps: readonly (string | undefined)[]
  readonly entries: readonly (Buffer | null)[]
}

export interface BatchSource {
  /** Reads the epoch, the versions (stamps) of tags, and entries, all distinct. */
  send(tags: readonly string[], keys: readonly string[]): Promise<BatchReply>
  decode(key: string, bytes: Buffer): StoredEntry | undefined
}

interface Read {
  readonly tags: readonly string[]
  readonly key: string | undefined
  resolve(state: StoreState): void
  reject(error: unknown): void
}

/**
 * Collects the reads of one event-loop tick, and reads each tag and each entry once. A call is never answered
 * by a batch that was sent before it.
 */
export class ReadBatch {
  #tags = new Map<string, number>()
  #keys = new Map<string, number>()
  #reads: Read[] = []

  constructor(private readonly source: BatchSource) {}

  read(tags: readonly string[], key: string | undefined): Promise<StoreState> {
    return new Promise((resolve, reject) => {
      // After the data of all sockets that are read in this tick: reads of requests that arrived together
      // share a batch.
      if (this.#reads.length === 0) setImmediate(() => this.#flush())
      this.#reads.push({ tags, key, resolve, reject })
      for (const tag of tags)
        if (tag !== EVERY_TAG && !this.#tags.has(tag)) this.#tags.set(tag, this.#tags.size)
      if (key !== undefined && !this.#keys.has(key)) this.#keys.set(key, this.#keys.size)
      if (this.#tags.size + this.#keys.size > MAX_KEYS) this.#flush()
    })
  }

  #flush(): void {
    const [reads, tags, keys] = [this.#reads, this.#tags, this.#keys]
    if (reads.length === 0) return
    this.#reads = []
    this.#tags = new Map()
    this.#keys = new Map()
    const fail = (error: unknown) => {
      for (const read of reads) read.reject(error)
    }
    this.source.send([...tags.keys()], [...keys.keys()]).then((reply) => {
      try {
        this.#answer(reads, tags, keys, reply)
      } catch (error) {
        fail(error)
      }
    }, fail)
  }

  #answer(
    reads: readonly Read[],
    tags: ReadonlyMap<string, number>,
    keys: ReadonlyMap<string, number>,
    reply: BatchReply,
  ): void {
    const { epoch } = reply
    const entries = new Map<string, StoredEntry | undefined>()
    for (const [key, at] of keys) {
      const bytes = reply.entries[at]
      const isMissing = bytes === undefined || bytes === null
      entries.set(key, isMissing ? undefined : (this.source.decode(key, bytes) ?? undecodable(epoch)))
    }
    for (const { tags: requested, key, resolve } of reads) {
      resolve({
        epoch,
        stamps: requested.map((tag) => (tag === EVERY_TAG ? epoch : reply.stamps[tags.get(tag) ?? -1])),
        entry: key === undefined ? undefined : entries.get(key),
      })
    }
  }
}

/** An entry that is valid under any tags, so that it is counted when its value cannot be read. */
function undecodable(epoch: string | undefined): StoredEntry | undefined {
  if (epoch === undefined) return undefined
  return {
    epoch,
    stamps: [],
    tags: [],
    times: { queriedAt: 0, ttlMs: 0, costMs: 0 },
    value: () => {
      throw new Error('The entry is damaged, or another version wrote it.')
    },
  }
}
