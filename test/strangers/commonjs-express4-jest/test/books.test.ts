import { expectQueries } from '@sluice/core/testing'
import { books, booksAtOnce, db, seed, sluice } from '../src/app'

beforeAll(seed)
afterAll(async () => {
  await sluice.close()
  await db.destroy()
})

it('stays within its budget', async () => {
  await expectQueries(booksAtOnce).toBe(2)
})

it('reports the loop that exceeds it', async () => {
  await expect(expectQueries(books).toBeAtMost(3)).rejects.toThrow(/expected at most 3 queries, got 11/)
})
