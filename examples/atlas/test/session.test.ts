import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { PlannedRequest } from '../src/requests.ts'
import { openSession, type Session } from '../src/session.ts'
import { createSluicedApp, type SluicedApp } from '../src/sluice.ts'
import { type Fixture, smallFixture } from './fixture.ts'

let fixture: Fixture
let sluiced: SluicedApp
let session: Session

beforeEach(async () => {
  fixture = smallFixture()
  sluiced = createSluicedApp({ kind: 'sqlite', mode: 'optimize', report: false })
  session = await openSession({ loaded: fixture.target, sluiced })
  // Until the catalog is read, nothing is cached.
  await expect.poll(async () => (await session.drive([look]))[0]?.hits).toBe(5)
})

afterEach(async () => {
  await session.close()
  await sluiced.sluice.close()
  fixture.remove()
})

const look: PlannedRequest = { route: 'GET /cities/:id', method: 'GET', path: '/cities/1' }
const body = { userId: 1, rating: 5, body: 'Good' }
const review: PlannedRequest = {
  route: 'POST /cities/:id/reviews',
  method: 'POST',
  path: '/cities/1/reviews',
  body,
}

describe('openSession', () => {
  it('counts a read as a hit when the cache served it', async () => {
    const [again] = await session.drive([look])
    // City, country, region, district, reviews.
    expect(again).toMatchObject({ hits: 5, misses: 0, queries: 0 })
  })

  it('counts a read as a miss when a write had invalidated its entry', async () => {
    const answers = await session.drive([look, review, look])
    expect(answers.at(-1)).toMatchObject({ hits: 4, misses: 1 })
  })
})
