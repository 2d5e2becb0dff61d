import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'

const read = (path: string) => readFileSync(join(import.meta.dirname, '../prisma', path), 'utf8')

describe('the schema files', () => {
  it.each(['schema.prisma', 'postgresql/schema.prisma'])('%s has the models of models.prisma', (path) => {
    expect(read(path).endsWith(read('models.prisma'))).toBe(true)
  })
})
