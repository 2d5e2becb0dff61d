import { type Plan, READER, WRITER } from './plan.ts'
import { FAULTS, type Fault } from './scenario.ts'

export const INTENT = { none: 0, live: 1, expired: 2 } as const

export type Invariant = 'A' | 'B' | 'C'

/**
 * One state of database, Redis, writers and readers: small numbers in cells, so that worlds are cheap to copy
 * and compare.
 */
export class World {
  /** Invariants that the step to this world violated. */
  readonly broken: Invariant[] = []
  readonly plan: Plan
  readonly cells: Uint8Array

  constructor(plan: Plan, cells: Uint8Array = new Uint8Array(plan.at.size)) {
    this.plan = plan
    this.cells = cells
  }

  static initial(plan: Plan): World {
    const world = new World(plan)
    for (const tag of plan.tags.keys()) world.set(plan.at.stamp + tag, tag + 1)
    world.set(plan.at.nextStamp, plan.tags.length + 1)
    for (const [fault, count] of plan.faults.entries()) world.set(plan.at.fault + fault, count)
    return world
  }

  copy(): World {
    return new World(this.plan, this.cells.slice())
  }

  get(cell: number): number {
    return this.cells[cell] as number
  }

  set(cell: number, value: number): void {
    this.cells[cell] = value
  }

  /** A stamp that never existed before. */
  freshStamp(): number {
    const cell = this.plan.at.nextStamp
    const stamp = this.get(cell)
    this.set(cell, stamp + 1)
    return stamp
  }

  /** Identifies the world. Stamps are named by their first appearance, since only their equality matters. */
  key(renames: Uint8Array): string {
    const { cells } = this
    renames.fill(0)
    let count = 0
    for (const cell of this.plan.stampCells) {
      const stamp = cells[cell] as number
      if (stamp === 0) continue
      const known = renames[stamp] as number
      if (known !== 0) cells[cell] = known
      else {
        count += 1
        renames[stamp] = count
        cells[cell] = count
      }
    }
    cells[this.plan.at.nextStamp] = count + 1
    return Buffer.from(cells.buffer, cells.byteOffset, cells.byteLength).toString('latin1')
  }

  stamp(tag: number): number {
    return this.get(this.plan.at.stamp + tag)
  }

  setStamp(tag: number, stamp: number): void {
    this.set(this.plan.at.stamp + tag, stamp)
  }

  intent(tag: number, writer: number): number {
    return this.get(this.plan.at.intent + tag * this.plan.writers.length + writer)
  }

  setIntent(tag: number, writer: number, state: number): void {
    this.set(this.plan.at.intent + tag * this.plan.writers.length + writer, state)
  }

  hasLiveIntent(tag: number): boolean {
    for (let writer = 0; writer < this.plan.writers.length; writer++)
      if (this.intent(tag, writer) === INTENT.live) return true
    return false
  }

  writer(index: number, field: number): number {
    return this.get(this.plan.at.writer + index * this.plan.writerSize + field)
  }

  setWriter(index: number, field: number, value: number): void {
    this.set(this.plan.at.writer + index * this.plan.writerSize + field, value)
  }

  version(writer: number, row: number): number {
    return this.writer(writer, WRITER.versions + row)
  }

  reader(index: number, field: number): number {
    return this.get(this.plan.at.reader + index * this.plan.readerSize + field)
  }

  setReader(index: number, field: number, value: number): void {
    this.set(this.plan.at.reader + index * this.plan.readerSize + field, value)
  }

  /** Ends a reader's read: the next one begins with nothing known. */
  nextRead(index: number): void {
    const read = this.reader(index, READER.read)
    const start = this.plan.at.reader + index * this.plan.readerSize
    this.cells.fill(0, start, start + this.plan.readerSize)
    this.setReader(index, READER.read, read + 1)
  }

  fault(fault: Fault): number {
    return this.get(this.plan.at.fault + FAULTS.indexOf(fault))
  }

  spend(fault: Fault): void {
    const cell = this.plan.at.fault + FAULTS.indexOf(fault)
    this.set(cell, this.get(cell) - 1)
  }

  row(part: 'db' | 'replica' | 'acknowledged' | 'seen', row: number): number {
    return this.get(this.plan.at[part] + row)
  }

  setRow(part: 'db' | 'replica' | 'acknowledged' | 'seen', row: number, version: number): void {
    this.set(this.plan.at[part] + row, version)
  }
}
