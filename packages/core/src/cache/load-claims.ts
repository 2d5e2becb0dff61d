import type { Clock } from '../shared/clock.ts'
import { randomToken } from '../shared/random-token.ts'
import type { CachedValues, Loaded, Shared } from './cached-values.ts'
import type { Permit, SharedReads } from './coherence/shared-reads.ts'
import { type Before, type FetchRequest, requiredTags } from './fetch-request.ts'

/** Interval for checking whether another process has finished loading. */
const POLL_MS = 20

/** Claims on loading a key, with which processes that share a store load it once. */
export class LoadClaims {
  /** The tokens of claims, by the permit of the load that they belong to. */
  readonly #tokens = new WeakMap<Permit, string>()

  constructor(
    private readonly values: CachedValues,
    private readonly clock: Clock,
  ) {}

  /** Lets one of several processes load a key, and waits for it for up to `loadLockWaitMs`. */
  async claim<T>(
    { store, reads }: Shared,
    request: FetchRequest<T>,
    before: Before,
    permit: Permit | undefined,
  ): Promise<Loaded<T> | Permit | undefined> {
    const { policy, sharedKey, tags } = request
    if (
      policy.loadLockWaitMs === 0 ||
      sharedKey === undefined ||
      permit === undefined ||
      policy.strategy === 'refresh'
    )
      return permit
    const token = randomToken()
    const until = this.clock.now() + policy.loadLockWaitMs
    let current: Permit = permit
    let isClaimed = await store.claim(sharedKey, token, policy.loadLockWaitMs)
    while (!isClaimed) {
      if (this.clock.now() >= until) return current
      await new Promise((resolve) => setTimeout(resolve, POLL_MS))
      isClaimed = await store.claim(sharedKey, token, policy.loadLockWaitMs)
      // The other process stores its value before it releases its claim.
      const look = await reads.look(tags, sharedKey)
      const found = this.values.fromStore(request, look.entry, before, look.sentAt)
      const next = found === undefined ? (look.permit ?? (await openFor(request, reads, before))) : undefined
      if (next === undefined) {
        if (isClaimed) store.release(sharedKey, token).catch(() => {})
        return found
      }
      current = next
    }
    this.#tokens.set(current, token)
    return current
  }

  /** The token of the claim that a load holds. */
  tokenOf(permit: Permit): string | undefined {
    return this.#tokens.get(permit)
  }
}

/** The permit to cache what is loaded from now on; without the optional tags if they cannot be opened. */
export async function openFor(
  request: FetchRequest<unknown>,
  reads: SharedReads,
  before: Before,
): Promise<Permit | undefined> {
  const opened = await reads.open(request.tags, before.all ?? before.required)
  return opened === undefined && request.optionalTags > 0
    ? reads.open(requiredTags(request), before.required)
    : opened
}
