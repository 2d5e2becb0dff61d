import type { OrderStatement } from './order-program.ts'

/** An ORM or a driver, as far as the programs use it. */
export interface OrderTarget {
  /** The value of one row. */
  read(key: number): Promise<number>
  /** The values of all rows. */
  list(): Promise<readonly number[]>
  write(key: number, value: number): Promise<void>
  /** Adds 1. */
  add(key: number): Promise<void>
}

export interface OrderClient extends OrderTarget {
  transaction(work: (target: OrderTarget) => Promise<void>): Promise<void>
  /** Omitted if the ORM reserves connections for transactions only. */
  reserve?(work: (target: OrderTarget) => Promise<void>): Promise<void>
  close(): Promise<void>
}

/** The result of a statement; `undefined` for a write. */
export function perform(target: OrderTarget, statement: OrderStatement): Promise<unknown> {
  switch (statement.kind) {
    case 'read':
      return target.read(statement.key)
    case 'list':
      return target.list()
    case 'write':
      return target.write(statement.key, statement.value)
    case 'add':
      return target.add(statement.key)
  }
}
