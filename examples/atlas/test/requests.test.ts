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

  it('plans different requests for a different seed', async () => {
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

  it('contains a few writes', () => {
    const writes = requests.filter((request) => request.method === 'POST').length
    expect(writes / requests.length).toBeGreaterThan(0.02)
    expect(writes / requests.length).toBeLessThan(0.08)
  })

  it('reads back each review', () => {
    for (const [index, request] of requests.slice(0, -50).entries()) {
      if (request.method !== 'POST') continue
      expect(requests.slice(index + 1).map(({ path }) => path)).toContain(
        request.path.replace('/reviews', ''),
      )
    }
  })

  it('opens cities from the list of their region', async () => {
    const open = new Set(
      requests
        .filter(({ route }) => route === 'GET /regions/:code/cities')
        .map(({ path }) => path.split('/')[2]),
    )
    const ids = requests
      .filter(({ route }) => route === 'GET /cities/:id')
      .map(({ path }) => Number(path.split('/')[2]))
    const known = ids.filter((id) => id < 999_999_999)
    const cities = await clients.prisma.city.findMany({
      where: { id: { in: known } },
      include: { region: true },
    })
    for (const { region } of cities) expect(open).toContain(region?.code)
  })

  it('repeats requests for popular places', () => {
    const paths = requests
      .filter((request) => request.route === 'GET /regions/:code/cities')
      .map((request) => request.path)
    expect(new Set(paths).size).toBeLessThan(paths.length * 0.8)
  })

  it('plans the beginning of a longer list for a shorter one', async () => {
    expect((await planRequests(clients.db, 900, 7)).slice(0, 300)).toEqual(requests)
  })
})
