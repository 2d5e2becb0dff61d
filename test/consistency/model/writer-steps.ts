import { WRITER } from './plan.ts'
import { begin, end, entryCells } from './redis-scripts.ts'
import type { Emit } from './step.ts'
import { INTENT, type World } from './world.ts'

const STEP = {
  idle: 0,
  begun: 1,
  paused: 2,
  longPaused: 3,
  abandoned: 4,
  /** The database has answered: END is sent and the caller continues, in either order. */
  ended: 5,
  acknowledging: 6,
  ending: 7,
  done: 8,
  dead: 9,
} as const

export function writerSteps(world: World, writer: number, emit: Emit): void {
  const { plan } = world
  const { protocol } = plan
  const step = world.writer(writer, WRITER.step)
  const actor = `W${writer + 1}`
  const go = (action: string, change: (next: World) => void, isFault = false) =>
    emit(actor, action, world, change, isFault)
  const move = (to: number, change?: (next: World) => void) => (next: World) => {
    change?.(next)
    next.setWriter(writer, WRITER.step, to)
  }

  if (world.writer(writer, WRITER.inFlight) === 1) {
    go('COMMIT is carried out by the server', (next) => commit(next, writer, false))
    go('COMMIT is never carried out', (next) => next.setWriter(writer, WRITER.inFlight, 0))
  }
  if (step === STEP.done || step === STEP.dead) {
    leaseEnds(world, writer, go)
    return
  }

  const late = world.writer(writer, WRITER.late) === 1
  if (step === STEP.idle)
    go(
      protocol.naive ? 'starts' : 'BEGIN',
      move(STEP.begun, (next) => beginUnlessNaive(next, writer)),
    )
  if (step === STEP.begun) {
    if (protocol.commitCheck && late) go('BEGIN again, its lease is over', (next) => beginAgain(next, writer))
    else {
      go(
        isRollback(world, writer) ? 'ROLLBACK' : 'COMMIT',
        move(STEP.ended, (next) => commit(next, writer, true)),
      )
      if (world.fault('pause') > 0)
        go('passes its check, then stops', spending('pause', move(STEP.paused)), true)
      if (world.fault('longPause') > 0)
        go(
          'passes its check, then stops for long',
          spending(
            'longPause',
            move(STEP.longPaused, (next) => next.setWriter(writer, WRITER.unsure, 1)),
          ),
          true,
        )
      if (world.fault('unknownCommit') > 0) {
        go(
          'loses its connection in COMMIT',
          spending(
            'unknownCommit',
            move(STEP.abandoned, (next) => next.setWriter(writer, WRITER.inFlight, 1)),
          ),
          true,
        )
      }
    }
  }
  if (step === STEP.paused || step === STEP.longPaused) {
    if (protocol.dbFence && late)
      go(
        'COMMIT is refused by the fence',
        move(STEP.ended, (next) => clearVersions(next, writer)),
      )
    else
      go(
        'goes on: COMMIT',
        move(STEP.ended, (next) => commit(next, writer, true)),
      )
  }
  if (step === STEP.abandoned) {
    if (!protocol.abandonUnknown)
      go(
        'END, as if it knew',
        move(STEP.done, (next) => end(next, writer)),
      )
    else leaseEnds(world, writer, go)
  }
  if (step === STEP.ended || step === STEP.ending) {
    const then = step === STEP.ended ? STEP.acknowledging : STEP.done
    go(
      protocol.naive ? 'deletes entries' : 'END',
      move(then, (next) => endOrDelete(next, writer)),
    )
    if (world.fault('endLost') > 0) go('cannot reach Redis for END', spending('endLost', move(then)), true)
  }
  if (
    step === STEP.ended &&
    !protocol.naive &&
    !(protocol.unsureAwaitsEnd && world.writer(writer, WRITER.unsure) === 1)
  )
    go(
      'acknowledges before END',
      move(STEP.ending, (next) => acknowledge(next, writer)),
    )
  if (step === STEP.acknowledging)
    go(
      'acknowledges',
      move(STEP.done, (next) => acknowledge(next, writer)),
    )
  if (mustDeclare(world, writer)) go('declares itself again', (next) => begin(next, writer))
  if (world.fault('crash') > 0)
    go(
      'dies',
      spending(
        'crash',
        move(STEP.dead, (next) => clearVersions(next, writer)),
      ),
      true,
    )
  const hasLease = holds(world, writer)
  if (step === STEP.paused || step === STEP.longPaused) {
    if (world.fault('lapsePaused') > 0 && hasLease)
      go(
        'lease lapses while it stands',
        spending('lapsePaused', (next) => lapse(next, writer)),
        true,
      )
  } else if (world.fault('lapse') > 0 && hasLease)
    go(
      'lease lapses while it works',
      spending('lapse', (next) => lapse(next, writer)),
      true,
    )
}

/** Whether a living writer's intent is gone, which its heartbeat notices before a quarantine ends. */
export function mustDeclare(world: World, writer: number): boolean {
  const { protocol, writers } = world.plan
  if (!protocol.heartbeat || protocol.naive) return false
  const step = world.writer(writer, WRITER.step)
  // After COMMIT, readers see what was written: the intent is not needed any more.
  const isOpen = step === STEP.begun || step === STEP.paused
  const isAbandoned =
    protocol.abandonedDeclared && step === STEP.abandoned && world.writer(writer, WRITER.inFlight) === 1
  if (!isOpen && !isAbandoned) return false
  // An expired one can come back from a snapshot. A writer that is late notices that before its COMMIT.
  const isLate = world.writer(writer, WRITER.late) === 1
  return (writers[writer]?.tags ?? []).some((tag) => {
    const intent = world.intent(tag, writer)
    return intent === INTENT.none || (intent === INTENT.expired && !isLate)
  })
}

function spending(
  fault: Parameters<World['spend']>[0],
  change: (next: World) => void,
): (next: World) => void {
  return (next) => {
    next.spend(fault)
    change(next)
  }
}

function isRollback(world: World, writer: number): boolean {
  return world.plan.writers[writer]?.rollsBack ?? false
}

function beginUnlessNaive(world: World, writer: number): void {
  if (!world.plan.protocol.naive) begin(world, writer)
}

function commit(world: World, writer: number, isKnown: boolean): void {
  world.setWriter(writer, WRITER.inFlight, 0)
  if (isRollback(world, writer)) return
  for (const row of world.plan.writers[writer]?.rows ?? []) {
    const version = world.row('db', row) + 1
    world.setRow('db', row, version)
    if (isKnown) world.setWriter(writer, WRITER.versions + row, version)
  }
}

function endOrDelete(world: World, writer: number): void {
  const { protocol, keys, writers, entrySize } = world.plan
  if (!protocol.naive) {
    end(world, writer)
    return
  }
  for (const [key, { rows }] of keys.entries()) {
    if (!rows.some((row) => writers[writer]?.rows.includes(row))) continue
    const { present } = entryCells(world, key)
    world.cells.fill(0, present, present + entrySize)
  }
}

function acknowledge(world: World, writer: number): void {
  for (const row of world.plan.writers[writer]?.rows ?? []) {
    world.setRow('acknowledged', row, Math.max(world.row('acknowledged', row), world.version(writer, row)))
  }
  clearVersions(world, writer)
}

function clearVersions(world: World, writer: number): void {
  for (let row = 0; row < world.plan.rows.length; row++) world.setWriter(writer, WRITER.versions + row, 0)
  world.setWriter(writer, WRITER.late, 0)
  world.setWriter(writer, WRITER.unsure, 0)
}

function holds(world: World, writer: number): boolean {
  return (world.plan.writers[writer]?.tags ?? []).some((tag) => world.intent(tag, writer) === INTENT.live)
}

function expire(world: World, writer: number): void {
  for (const tag of world.plan.writers[writer]?.tags ?? []) {
    if (world.intent(tag, writer) === INTENT.live) world.setIntent(tag, writer, INTENT.expired)
  }
}

function lapse(world: World, writer: number): void {
  expire(world, writer)
  world.setWriter(writer, WRITER.late, 1)
  world.setWriter(writer, WRITER.unsure, 1)
}

function beginAgain(world: World, writer: number): void {
  begin(world, writer)
  world.setWriter(writer, WRITER.late, 0)
  world.setWriter(writer, WRITER.unsure, 0)
}

/** The lease of a dead writer expires in time, but not before a COMMIT that the database still executes. */
function leaseEnds(
  world: World,
  writer: number,
  go: (action: string, change: (next: World) => void) => void,
): void {
  if (!holds(world, writer)) return
  if (world.plan.protocol.leaseCoversDb && world.writer(writer, WRITER.inFlight) === 1) return
  go('lease ends', (next) => expire(next, writer))
}
