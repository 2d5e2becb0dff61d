import type { Scope } from './scope.ts'

type Dispatch = () => void

const WAITING = Symbol('waiting lookups')

/** Groups of lookups that wait for more of their group, in all scopes of a Sluice. */
export class WaitingLookups {
  readonly #bySource = new Map<string, Set<Dispatch>>()

  /** @param first - Sends what waits before it can join a group, in all scopes. Default: nothing does. */
  constructor(private readonly first?: Dispatch | undefined) {}

  /** @param dispatch - Sends the group. It must first remove itself. */
  add(scope: Scope, sourceId: string, dispatch: Dispatch): void {
    let inScope = scope.stateOf(WAITING) as Set<Dispatch> | undefined
    if (inScope === undefined) {
      inScope = new Set()
      scope.setState(WAITING, inScope)
    }
    inScope.add(dispatch)
    const ofSource = this.#bySource.get(sourceId)
    if (ofSource === undefined) this.#bySource.set(sourceId, new Set([dispatch]))
    else ofSource.add(dispatch)
  }

  /** @returns Whether it was waiting. */
  remove(scope: Scope, sourceId: string, dispatch: Dispatch): boolean {
    const ofSource = this.#bySource.get(sourceId)
    if (ofSource?.delete(dispatch) !== true) return false
    if (ofSource.size === 0) this.#bySource.delete(sourceId)
    ;(scope.stateOf(WAITING) as Set<Dispatch>).delete(dispatch)
    return true
  }

  /** Sends the groups that wait in a scope. */
  dispatchIn(scope: Scope | undefined): void {
    this.first?.()
    if (scope === undefined || this.#bySource.size === 0) return
    const waiting = scope.stateOf(WAITING) as Set<Dispatch> | undefined
    if (waiting !== undefined) for (const dispatch of [...waiting]) dispatch()
  }

  /** Sends the groups of one client that wait in any scope. */
  dispatchOf(sourceId: string): void {
    this.first?.()
    const waiting = this.#bySource.get(sourceId)
    if (waiting !== undefined) for (const dispatch of [...waiting]) dispatch()
  }
}
