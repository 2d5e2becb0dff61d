import { type Plan, type PlannedRead, READER } from './plan.ts'
import { areLive, entryCells, epochIsGood, isHit, open } from './redis-scripts.ts'
import type { Emit } from './step.ts'
import type { World } from './world.ts'

const STEP = {
  idle: 0,
  asking: 1,
  opening: 2,
  reading: 3,
  filling: 4,
  closing: 5,
  validated: 6,
  refused: 7,
  joined: 8,
} as const
/** States of a prefetched result: `taken` stamps, then `read` from the database. */
const AHEAD = { none: 0, taken: 1, read: 2, used: 3 } as const

export function readerSteps(world: World, reader: number, emit: Emit): void {
  const { plan } = world
  const planned = plan.readers[reader]
  const read = planned?.reads[world.reader(reader, READER.read)]
  if (planned === undefined || read === undefined) return
  const { protocol } = plan
  const step = world.reader(reader, READER.step)
  const ahead = world.reader(reader, READER.ahead)
  const actor = `R${reader + 1}`
  const go = (action: string, change: (next: World) => void) => emit(actor, action, world, change, false)
  const move = (to: number, change?: (next: World) => void) => (next: World) => {
    change?.(next)
    next.setReader(reader, READER.step, to)
  }
  const mayAskAhead = planned.prefetches && world.reader(reader, READER.read) === 0

  switch (step) {
    case STEP.idle:
      if (mayAskAhead && ahead === AHEAD.none && protocol.prefetchValidated) {
        go('asks ahead: takes stamps', (next) => {
          next.setReader(reader, READER.keeps, Number(open(next, read)))
          takeStamps(next, reader)
          next.setReader(reader, READER.ahead, AHEAD.taken)
        })
      } else if (mayAskAhead && ahead < AHEAD.read) {
        go('asks ahead: SQL', (next) => {
          takeValues(next, reader, read, 'db')
          next.setReader(reader, READER.ahead, AHEAD.read)
        })
      } else
        go(
          'begins to read',
          move(STEP.asking, (next) => takeFloors(next, reader)),
        )
      return
    case STEP.asking:
      if (planned.joins !== undefined && mayJoin(world, planned.joins, read))
        go(`joins R${planned.joins + 1}`, move(STEP.joined))
      go(isHit(world, read) ? 'MGET: hit' : 'MGET: miss', (next) => ask(next, reader, read))
      return
    case STEP.opening:
      go(
        'OPEN',
        move(STEP.reading, (next) => {
          next.setReader(reader, READER.keeps, Number(open(next, read)))
          takeStamps(next, reader)
        }),
      )
      return
    case STEP.reading: {
      const isAhead = ahead === AHEAD.read && !protocol.prefetchValidated
      const isForeign = read.fromReplica
      const keeps = world.reader(reader, READER.keeps) === 1 && !(isForeign && protocol.primaryOnly)
      go(
        isAhead ? 'takes the prefetched result' : isForeign ? 'SQL at the replica' : 'SQL',
        move(keeps ? STEP.filling : STEP.refused, (next) => {
          if (!isAhead) takeValues(next, reader, read, isForeign ? 'replica' : 'db')
          // The result of a replica or an unchecked prefetch is not checked here; cached entries from it are.
          if (!isAhead && !isForeign) check(next, reader, read, valuesCell(plan, reader))
        }),
      )
      return
    }
    case STEP.filling:
      go(
        'fills',
        move(STEP.closing, (next) => {
          const entry = entryCells(next, read.key)
          next.set(entry.present, 1)
          next.cells.copyWithin(
            entry.value,
            valuesCell(plan, reader),
            valuesCell(plan, reader) + plan.rows.length + plan.tags.length,
          )
        }),
      )
      return
    case STEP.closing:
      go('closes the flight and checks', (next) => {
        const live = !protocol.joinValidates || areLive(next, stampsCell(plan, reader), read.tags)
        next.setReader(reader, READER.step, live ? STEP.validated : STEP.refused)
      })
      return
    case STEP.validated:
    case STEP.refused:
      if (!settleJoiner(world, reader, step === STEP.validated || !protocol.joinValidates, emit))
        go('is done', (next) => next.nextRead(reader))
      return
  }
}

function ask(world: World, reader: number, read: PlannedRead): void {
  const { at, protocol } = world.plan
  const values = valuesCell(world.plan, reader)
  if (world.reader(reader, READER.ahead) === AHEAD.read && protocol.prefetchValidated) {
    const isLive =
      world.reader(reader, READER.keeps) === 1 && areLive(world, stampsCell(world.plan, reader), read.tags)
    if (isLive) {
      check(world, reader, read, values)
      world.nextRead(reader)
      return
    }
    world.setReader(reader, READER.ahead, AHEAD.used)
    world.setReader(reader, READER.keeps, 0)
    world.cells.fill(0, values, values + world.plan.rows.length + world.plan.tags.length)
  }
  if (isHit(world, read)) {
    check(world, reader, read, entryCells(world, read.key).value)
    world.nextRead(reader)
    return
  }
  const isQuarantined = protocol.quarantine && protocol.readSeesQuarantine && world.get(at.quarantine) === 1
  const isComplete =
    (!protocol.epochCheck || epochIsGood(world)) &&
    read.tags.every((tag) => world.stamp(tag) !== 0) &&
    !isQuarantined
  if (!isComplete && !protocol.naive) {
    world.setReader(reader, READER.step, STEP.opening)
    return
  }
  world.setReader(reader, READER.keeps, 1)
  takeStamps(world, reader)
  world.setReader(reader, READER.step, STEP.reading)
}

/** Passes the result of a flight to a read that waits for it. */
function settleJoiner(world: World, leader: number, isValid: boolean, emit: Emit): boolean {
  const { plan } = world
  const joiner = plan.readers.findIndex(
    ({ joins }, other) => joins === leader && world.reader(other, READER.step) === STEP.joined,
  )
  if (joiner < 0) return false
  const read = plan.readers[joiner]?.reads[world.reader(joiner, READER.read)] as PlannedRead
  emit(
    `R${joiner + 1}`,
    isValid ? `gets R${leader + 1}'s result` : 'starts over',
    world,
    (next) => {
      if (!isValid) return next.setReader(joiner, READER.step, STEP.asking)
      check(next, joiner, read, valuesCell(plan, leader))
      next.nextRead(joiner)
    },
    false,
  )
  return true
}

function mayJoin(world: World, leader: number, { key }: PlannedRead): boolean {
  const step = world.reader(leader, READER.step)
  if (world.plan.readers[leader]?.reads[world.reader(leader, READER.read)]?.key !== key) return false
  const isOpen =
    step === STEP.opening || step === STEP.reading || step === STEP.filling || step === STEP.closing
  return isOpen || (!world.plan.protocol.joinCloses && (step === STEP.validated || step === STEP.refused))
}

/** Compares the result of a read with the values acknowledged, and seen, before it began. */
function check(world: World, reader: number, { rows }: PlannedRead, valueCell: number): void {
  const count = world.plan.rows.length
  for (const row of rows) {
    const version = world.get(valueCell + row)
    if (version < world.reader(reader, READER.floors + row)) world.broken.push('A')
    if (version < world.reader(reader, READER.floors + count + row)) world.broken.push('B')
    world.setRow('seen', row, Math.max(world.row('seen', row), version))
  }
}

function takeFloors(world: World, reader: number): void {
  const count = world.plan.rows.length
  for (let row = 0; row < count; row++) {
    const acknowledged = world.row('acknowledged', row)
    world.setReader(reader, READER.floors + row, acknowledged)
    world.setReader(reader, READER.floors + count + row, Math.max(acknowledged, world.row('seen', row)))
  }
}

function takeStamps(world: World, reader: number): void {
  const { at, tags } = world.plan
  if (world.reader(reader, READER.keeps) === 0) return
  world.cells.copyWithin(stampsCell(world.plan, reader), at.stamp, at.stamp + tags.length)
}

function takeValues(world: World, reader: number, { rows }: PlannedRead, from: 'db' | 'replica'): void {
  for (const row of rows) world.set(valuesCell(world.plan, reader) + row, world.row(from, row))
}

/** Values, followed by the stamps, in the same order as in an entry. */
function valuesCell(plan: Plan, reader: number): number {
  return plan.at.reader + reader * plan.readerSize + READER.floors + 2 * plan.rows.length
}

function stampsCell(plan: Plan, reader: number): number {
  return valuesCell(plan, reader) + plan.rows.length
}
