import { LRUCache } from 'lru-cache'
import type { Clock } from '../shared/clock.ts'
import type { NodeState } from './node-state.ts'

const DEFAULT_TTL_SECONDS = 3_600

/** Which node a session stays with. The longest unseen leave when there are too many. */
export class SessionAffinity {
  /**
   * Created for the first session: for 100,000 sessions, it immediately allocates 4 MB, which takes 10 ms.
   */
  #nodes: LRUCache<string, NodeState> | undefined

  constructor(
    private readonly clock: Clock,
    private readonly maxSessions: number,
  ) {}

  get(session: string): NodeState | undefined {
    return this.#nodes?.get(session)
  }

  set(session: string, node: NodeState, ttlSeconds: number = DEFAULT_TTL_SECONDS): void {
    this.#nodes ??= this.#create()
    this.#nodes.set(session, node, { ttl: ttlSeconds * 1_000 })
  }

  /** The session goes to another node for the rest of its time. */
  move(session: string, node: NodeState): void {
    this.#nodes?.set(session, node, { ttl: Math.max(1, this.#nodes.getRemainingTTL(session)) })
  }

  /** Sessions that have not expired. */
  get size(): number {
    this.#nodes?.purgeStale()
    return this.#nodes?.size ?? 0
  }

  clear(): void {
    this.#nodes?.clear()
  }

  #create(): LRUCache<string, NodeState> {
    return new LRUCache({
      max: this.maxSessions,
      ttl: DEFAULT_TTL_SECONDS * 1_000,
      ttlResolution: 0,
      perf: { now: () => this.clock.now() },
    })
  }
}
