import type { INestApplication } from '@nestjs/common'
import { Test } from '@nestjs/testing'
import { expectQueries } from '@sluice/core/testing'
import { AppModule, Books } from '../src/app'

let app: INestApplication

beforeAll(async () => {
  const module = await Test.createTestingModule({ imports: [AppModule] }).compile()
  app = module.createNestApplication()
  await app.init()
  await app.get(Books).seed()
})
afterAll(() => app.close())

it('has a budget', async () => {
  const books = app.get(Books)
  await expectQueries(() => books.db('book')).toBe(1)
  await expect(expectQueries(() => books.list()).toBeAtMost(3)).rejects.toThrow(
    /expected at most 3 queries, got 11/,
  )
})
