import { serverSteps } from './fault-steps.ts'
import { planOf } from './plan.ts'
import { readerSteps } from './reader-steps.ts'
import { entryCells, isHit } from './redis-scripts.ts'
import type { Protocol } from './rules.ts'
import { FAULTS, type Scenario } from './scenario.ts'
import type { Emit } from './step.ts'
import { type Invariant, World } from './world.ts'
import { writerSteps } from './writer-steps.ts'

export interface Exploration {
  /** Number of visited worlds. */
  readonly states: number
  /** Whether some worlds were not visited. */
  readonly isCut: boolean
  /** For each violated invariant, the shortest path to the violation. */
  readonly broken: Partial<Record<Invariant, readonly string[]>>
  /** Reads that were served from an entry, and those among them after a FLUSHALL. */
  readonly hits: number
  readonly hitsAfterFlush: number
}

/**
 * Visits every interleaving of a scenario's steps, breadth first: each step is one atomic script of Redis or
 * one action of the database.
 *
 * - A: a read returns nothing older than a write that was acknowledged before it began.
 * - B: nor anything older than a value that any read had returned before it began.
 * - C: when all steps are done, no valid entry differs from the database.
 */
export function explore(
  scenario: Scenario,
  protocol: Protocol,
  maxStates = Number.POSITIVE_INFINITY,
): Exploration {
  const plan = planOf(scenario, protocol)
  const renames = new Uint8Array(256)
  const first = World.initial(plan)
  const known = new Set([first.key(renames)])
  const queue: (World | undefined)[] = [first]
  const parents = [-1]
  const ordinals = [0]
  const broken: Partial<Record<Invariant, readonly string[]>> = {}
  let hits = 0
  let hitsAfterFlush = 0
  let index = 0
  for (; index < queue.length && index < maxStates; index++) {
    const world = queue[index] as World
    queue[index] = undefined
    let ordinal = 0
    let isAtRest = true
    steps(world, (actor, action, from, change, isFault) => {
      const next = from.copy()
      change(next)
      if (!isFault) isAtRest = false
      if (action === 'MGET: hit') {
        hits += 1
        if (wasFlushed(world)) hitsAfterFlush += 1
      }
      for (const invariant of next.broken) broken[invariant] ??= [...wayTo(index), `${actor} ${action}`]
      const key = next.key(renames)
      if (!known.has(key)) {
        known.add(key)
        queue.push(next)
        parents.push(index)
        ordinals.push(ordinal)
      }
      ordinal += 1
    })
    if (isAtRest && broken.C === undefined && isStaleAtRest(world))
      broken.C = [...wayTo(index), 'at rest: a valid entry is stale']
    if (broken.A !== undefined && broken.B !== undefined && broken.C !== undefined) break
  }
  return { states: index, isCut: index < queue.length && index >= maxStates, broken, hits, hitsAfterFlush }

  function wayTo(target: number): string[] {
    const turns: number[] = []
    for (let at = target; at > 0; at = parents[at] as number) turns.unshift(ordinals[at] as number)
    const way: string[] = []
    let world = World.initial(plan)
    world.key(renames)
    for (const turn of turns) {
      let ordinal = 0
      let taken: World | undefined
      steps(world, (actor, action, from, change) => {
        if (ordinal === turn) {
          taken = from.copy()
          change(taken)
          taken.key(renames)
          way.push(`${actor} ${action}`)
        }
        ordinal += 1
      })
      world = taken as World
    }
    return way
  }
}

function steps(world: World, emit: Emit): void {
  for (const writer of world.plan.writers.keys()) writerSteps(world, writer, emit)
  for (const reader of world.plan.readers.keys()) readerSteps(world, reader, emit)
  serverSteps(world, emit)
}

function wasFlushed(world: World): boolean {
  return world.fault('flush') < (world.plan.faults[FAULTS.indexOf('flush')] ?? 0)
}

function isStaleAtRest(world: World): boolean {
  return world.plan.keys.some((read) => {
    const { value } = entryCells(world, read.key)
    return isHit(world, read) && read.rows.some((row) => world.get(value + row) !== world.row('db', row))
  })
}
