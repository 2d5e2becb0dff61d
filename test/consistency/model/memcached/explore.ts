import { type Invariant, stepsOf } from './steps.ts'
import { initialWorld, keyOf, type Mistake, type Scenario, visible, type World } from './world.ts'

export interface Exploration {
  /** Number of visited worlds. */
  readonly states: number
  /** Whether some worlds were not visited. */
  readonly isCut: boolean
  /** For each violated invariant, the shortest path to the violation. */
  readonly broken: Partial<Record<Invariant, readonly string[]>>
  /** Reads that were served from the entry. */
  readonly hits: number
}

/**
 * Visits every interleaving of a scenario's steps, breadth first, like `explore` for Redis. The logs are
 * those of `@sluice/memcached`, read and planned by its code; the round trips of an opening are separate
 * steps.
 */
export function exploreMemcached(
  scenario: Scenario,
  mistakes: readonly Mistake[] = [],
  maxStates = Number.POSITIVE_INFINITY,
): Exploration {
  const rules = { scenario, mistakes: new Set(mistakes) }
  const first = keyOf(initialWorld(scenario))
  const indexes = new Map([[first, 0]])
  const queue = [first]
  const parents = [-1]
  const actions = ['']
  const broken: Partial<Record<Invariant, readonly string[]>> = {}
  let hits = 0
  let index = 0
  const wayTo = (target: number): string[] => {
    const way: string[] = []
    for (let at = target; at > 0; at = parents[at] as number) way.unshift(actions[at] as string)
    return way
  }
  for (; index < queue.length && index < maxStates; index += 1) {
    const text = queue[index] as string
    queue[index] = ''
    const world = JSON.parse(text) as World
    let isAtRest = true
    stepsOf(world, rules, (actor, action, change, isFault = false) => {
      const next = JSON.parse(text) as World
      const name = `${actor} ${action}`
      change(next, (invariant) => {
        broken[invariant] ??= [...wayTo(index), name]
      })
      if (!isFault) isAtRest = false
      if (action === 'hit') hits += 1
      const key = keyOf(next)
      if (indexes.has(key)) return
      indexes.set(key, queue.length)
      queue.push(key)
      parents.push(index)
      actions.push(name)
    })
    if (isAtRest && broken.C === undefined && isStaleAtRest(world))
      broken.C = [...wayTo(index), 'at rest: a valid entry is stale']
    if (broken.A !== undefined && broken.B !== undefined && broken.C !== undefined) break
  }
  return { states: index, isCut: index < queue.length, broken, hits }
}

function isStaleAtRest(world: World): boolean {
  const { entry } = world
  return (
    entry !== null &&
    entry.epoch === visible(world, '*') &&
    entry.stamp === visible(world, 'x') &&
    entry.value !== world.db
  )
}
