import type { Emit } from './step.ts'
import type { World } from './world.ts'
import { mustDeclare } from './writer-steps.ts'

/** Faults of Redis and the replica, and the end of a quarantine. */
export function serverSteps(world: World, emit: Emit): void {
  const { at, tags, writers, protocol, hasReplica, rows } = world.plan
  const fault = (action: string, change: (next: World) => void) => emit('Redis', action, world, change, true)
  if (world.get(at.quarantine) === 1 && !writers.some((_, writer) => mustDeclare(world, writer))) {
    emit('Redis', 'quarantine ends', world, (next) => next.set(at.quarantine, 0), false)
  }
  if (world.fault('flush') > 0) {
    fault('FLUSHALL', (next) => {
      next.spend('flush')
      next.cells.fill(0, at.stamp, at.server)
    })
  }
  if (world.fault('evictStamp') > 0) {
    tags.forEach((name, tag) => {
      if (world.stamp(tag) === 0) return
      fault(`evicts the stamp ${name}`, (next) => {
        next.spend('evictStamp')
        next.setStamp(tag, 0)
      })
    })
  }
  if (world.fault('evictIntent') > 0 && !protocol.intentsKept) {
    tags.forEach((name, tag) => {
      if (!writers.some((_, writer) => world.intent(tag, writer) !== 0)) return
      fault(`evicts the intents on ${name}`, (next) => {
        next.spend('evictIntent')
        for (const writer of writers.keys()) next.setIntent(tag, writer, 0)
      })
    })
  }
  if (world.fault('restore') > 0) {
    const length = at.server - at.stamp
    if (world.get(at.hasSnapshot) === 0) {
      emit(
        'Redis',
        'writes a snapshot',
        world,
        (next) => {
          next.cells.copyWithin(at.snapshot, at.stamp, at.server)
          next.set(at.hasSnapshot, 1)
        },
        false,
      )
    } else {
      fault('restarts from the snapshot', (next) => {
        next.spend('restore')
        next.cells.copyWithin(at.stamp, at.snapshot, at.snapshot + length)
        next.cells.fill(0, at.snapshot, at.snapshot + length)
        next.set(at.hasSnapshot, 0)
        next.set(at.server, next.get(at.server) + 1)
      })
    }
  }
  if (hasReplica && rows.some((_, row) => world.row('replica', row) !== world.row('db', row))) {
    emit(
      'replica',
      'catches up',
      world,
      (next) => {
        for (const row of rows.keys()) next.setRow('replica', row, next.row('db', row))
      },
      false,
    )
  }
}
