import type { RedisServer } from '../../services/redis-server.ts'
import { Random } from '../../support/random.ts'
import type { Clients } from '../query/clients.ts'
import { type Kind, type Operation, pickOperation } from './operations.ts'

export interface LoadPlan {
  readonly clients: Clients
  /** The Redis that is killed and restarted. Without one, there is no outage. */
  readonly redis: RedisServer | undefined
  /** Rate of new operations, regardless of whether earlier ones have ended. */
  readonly perSecond: number
  /** Duration before the outage, of the outage, and of the observation afterwards. */
  readonly seconds: { readonly before: number; readonly down: number; readonly after: number }
  readonly seed: number
}

export type Phase = 'before' | 'down' | 'after'

/** A finished operation. */
export interface Done {
  readonly kind: Kind
  readonly name: string
  readonly phase: Phase
  /** Milliseconds of the load's own clock. */
  readonly startedAt: number
  readonly endedAt: number
  /** Whether the cache served it. */
  readonly isHit: boolean
  /** The code or the message of its error. */
  readonly failure: string | undefined
}

export interface LoadResult {
  readonly done: readonly Done[]
  /** When Redis accepted connections again, by the same clock. */
  readonly restartedAt: number
}

const TICK_MS = 5

/** Sends a steady load of reads and writes, with an outage of Redis in the middle. */
export async function runLoad({ clients, redis, perSecond, seconds, seed }: LoadPlan): Promise<LoadResult> {
  const random = new Random(seed)
  const running = new Set<Promise<void>>()
  const ended: Omit<Done, 'phase'>[] = []
  const origin = performance.now()
  const now = () => performance.now() - origin

  const start = (operation: Operation): void => {
    const { kind, name } = operation
    const startedAt = now()
    const scope = clients.sluice?.openScope(name)
    const run = async () => operation.run(clients)
    const settled = (failure?: string) => {
      ended.push({
        kind,
        name,
        startedAt,
        endedAt: now(),
        isHit: (scope?.counts.cacheHits ?? 0) > 0,
        failure,
      })
      scope?.end()
      running.delete(promise)
    }
    const promise: Promise<void> = (scope?.enter(run) ?? run()).then(
      () => settled(),
      (error: unknown) => settled(failureOf(error)),
    )
    running.add(promise)
  }

  const loadFor = async (ms: number): Promise<void> => {
    const from = now()
    for (let sent = 0; now() - from < ms; await pause(TICK_MS)) {
      for (const due = ((now() - from) * perSecond) / 1_000; sent < due; sent += 1)
        start(pickOperation(random))
    }
  }

  let [killedAt, restartedAt] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY]
  await loadFor(seconds.before * 1_000)
  if (redis !== undefined) {
    killedAt = now()
    await Promise.all([redis.kill(), loadFor(seconds.down * 1_000)])
    const restarted = redis.start().then(() => {
      restartedAt = now()
    })
    await Promise.all([restarted, loadFor(seconds.after * 1_000)])
  }
  await Promise.all(running)
  const phaseOf = ({ startedAt, endedAt }: Omit<Done, 'phase'>): Phase => {
    if (endedAt < killedAt) return 'before'
    return startedAt < restartedAt ? 'down' : 'after'
  }
  return { done: ended.map((one) => ({ ...one, phase: phaseOf(one) })), restartedAt }
}

function failureOf(error: unknown): string {
  const { code, message } = error as { readonly code?: string; readonly message?: string }
  return code ?? String(message ?? error)
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
