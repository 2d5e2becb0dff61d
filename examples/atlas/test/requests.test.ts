import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Clients, openClients } from '../src/clients.ts'
import { loadData } from '../src/load.ts'
import { silentProgress } from '../src/progress.ts'
import { type PlannedRequest, planRequests } from '../src/requests.ts'
import { StatementCounter } from '../src/statement-counter.ts'
import { emptyFixture } from './fixture.ts'

const fixture = emptyFixture()
let clients: Clients
let requests: PlannedRequest[]

beforeAll(async () => {
  await loadData(fixture.target, silentProgress)
  clients = openClients(fixture.target, new StatementCounter())
  requests = await planRequests(clients.db, 300, 7)
})

afterAll(async () => {
  await clients.close()
  fixture.remove()
})

describe('planRequests', () => {
  it('plans the same requests for the same seed', async () => {
    expect(await planRequests(clients.db, 300, 7)).toEqual(requests)
  })

  it('plans other requests for another seed', async () => {
    expect(await planRequests(clients.db, 300, 8)).not.toEqual(requests)
  })

  it('uses every route', () => {
    expect([...new Set(requests.map((request) => request.route))].sort()).toEqual([
      'GET /cities/:id',
      'GET /countries/:code',
      'GET /regions/:code/cities',
      'GET /reports/regions/:countryCode',
      'GET /reports/reviewers',
      'GET /reports/top-rated',
      'GET /search',
      'POST /cities/:id/reviews',
    ])
  })

  it('writes in about one request of ten', () => {
    const writes = requests.filter((request) => request.method === 'POST').length
    expect(writes / requests.length).toBeGreaterThan(0.07)
    expect(writes / requests.length).toBeLessThan(0.13)
  })

  it('reads back each review', () => {
    for (const [index, request] of requests.slice(0, -1).entries()) {
      if (request.method === 'POST') expect(requests[index + 1]?.path).toBe(request.path.replace('/reviews', ''))
    }
  })

  it('asks for popular places again', () => {
    const paths = requests.filter((request) => request.route === 'GET /regions/:code/cities').map((request) => request.path)
    expect(new Set(paths).size).toBeLessThan(paths.length * 0.8)
  })
})
