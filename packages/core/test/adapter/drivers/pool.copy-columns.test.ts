import { describe, expect, it } from 'vitest'
import { copyColumns, decodedColumns } from '../../../src/adapter/drivers/pool.ts'

/** Decodes its table when it is first read, like the columns of `mysql2`. */
class Column {
  name = 'id'

  constructor(readonly bytes: Buffer) {}

  get table(): string {
    const value = this.bytes.toString()
    Object.defineProperty(this, 'table', { value })
    return value
  }
}

describe('copyColumns', () => {
  it('returns columns of the same class that the original does not affect', () => {
    const column = new Column(Buffer.from('city'))
    const [copy] = copyColumns([column]) as [Column]
    column.name = 'changed'
    expect(copy).toBeInstanceOf(Column)
    expect(copy.name).toBe('id')
    expect(copy.table).toBe('city')
  })
})

describe('decodedColumns', () => {
  it('reads members that are decoded later', () => {
    const bytes = Buffer.from('city')
    const [copy] = decodedColumns([new Column(bytes)]) as [Column]
    bytes.fill(0)
    expect(copy.table).toBe('city')
  })
})
