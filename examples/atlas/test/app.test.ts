import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createApp } from '../src/app.ts'
import { type Clients, openClients } from '../src/clients.ts'
import { listen, type RunningServer } from '../src/listen.ts'
import { StatementCounter } from '../src/statement-counter.ts'
import { type Fixture, smallFixture } from './fixture.ts'

let fixture: Fixture
let clients: Clients
let counter: StatementCounter
let server: RunningServer

beforeEach(async () => {
  fixture = smallFixture()
  counter = new StatementCounter()
  clients = openClients(fixture.target, counter)
  server = await listen(createApp(clients), 0)
})

afterEach(async () => {
  await server.close()
  await clients.close()
  fixture.remove()
})

async function get(path: string): Promise<{ status: number; body: unknown }> {
  const response = await fetch(server.origin + path)
  return { status: response.status, body: await response.json() }
}

async function review(path: string, body: object): Promise<{ status: number; body: unknown }> {
  const response = await fetch(server.origin + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  return { status: response.status, body: await response.json() }
}

const ofLyon = { id: 1, name: 'Lyon', latitude: 45.7, longitude: 4.8 }

describe('GET /countries/:code', () => {
  it('counts the cities of each region', async () => {
    expect(await get('/countries/FR')).toEqual({
      status: 200,
      body: {
        code: 'FR',
        name: 'France',
        regions: [
          { code: 'FR.84', name: 'Auvergne-Rhône-Alpes', cities: 2 },
          { code: 'FR.11', name: 'Île-de-France', cities: 1 },
        ],
      },
    })
  })

  it('responds with 404 to an unknown country', async () => {
    expect(await get('/countries/XX')).toEqual({ status: 404, body: { error: 'No such country.' } })
  })
})

describe('GET /regions/:code/cities', () => {
  it('lists the cities by name, each with its latest two reviews', async () => {
    const { body } = await get('/regions/FR.84/cities')
    expect(body).toEqual({
      code: 'FR.84',
      name: 'Auvergne-Rhône-Alpes',
      cities: [
        { id: 2, name: 'Annecy', district: null, country: 'France', latest: [] },
        {
          id: 1,
          name: 'Lyon',
          district: 'Rhône',
          country: 'France',
          latest: [
            { rating: 3, body: 'Third', createdAt: '2024-01-02T00:00:00.000Z', author: 'Ada' },
            { rating: 4, body: 'Second', createdAt: '2024-01-02T00:00:00.000Z', author: 'Ben' },
          ],
        },
      ],
    })
  })

  it('queries each city again', async () => {
    const before = counter.statements
    await get('/regions/FR.84/cities')
    // The region, its cities; two countries, one district, two lists of reviews, two authors.
    expect(counter.statements - before).toBe(9)
  })

  it('responds with 404 to an unknown region', async () => {
    expect((await get('/regions/FR.00/cities')).status).toBe(404)
  })
})

describe('GET /cities/:id', () => {
  it('shows the region of the city and its reviews', async () => {
    const { body } = await get('/cities/1')
    expect(body).toMatchObject({
      ...ofLyon,
      country: { code: 'FR', name: 'France' },
      region: { code: 'FR.84' },
      district: { name: 'Rhône' },
      reviews: [{ id: 3, author: 'Ada' }, { id: 2, author: 'Ben' }, { id: 1 }],
    })
  })

  it('shows a city without a region', async () => {
    expect((await get('/cities/4')).body).toMatchObject({
      name: 'Lys',
      region: null,
      district: null,
      reviews: [],
    })
  })

  it.each(['/cities/99', '/cities/x', '/cities/1.5', '/cities/99999999999999'])(
    'responds with 404 to %s',
    async (path) => {
      expect(await get(path)).toEqual({ status: 404, body: { error: 'No such city.' } })
    },
  )
})

describe('GET /search', () => {
  it('finds cities by a prefix of the name', async () => {
    expect((await get('/search?q=Ly')).body).toEqual({
      q: 'Ly',
      hits: [
        { id: 1, name: 'Lyon', region: 'Auvergne-Rhône-Alpes', country: 'France' },
        { id: 4, name: 'Lys', region: null, country: 'France' },
      ],
    })
  })

  it.each(['/search', '/search?q=', '/search?q=%20'])('rejects %s', async (path) => {
    expect((await get(path)).status).toBe(400)
  })
})

describe('POST /cities/:id/reviews', () => {
  const valid = { userId: 2, rating: 4, body: 'Good', createdAt: '2024-05-01T12:00:00.000Z' }

  it('adds a review that the city shows first', async () => {
    const created = { id: 5, cityId: 1, ...valid, author: 'Ben' }
    expect(await review('/cities/1/reviews', valid)).toEqual({ status: 201, body: created })
    expect((await get('/cities/1')).body).toMatchObject({
      reviews: [{ id: 5, body: 'Good', createdAt: valid.createdAt }, { id: 3 }, { id: 2 }, { id: 1 }],
    })
  })

  it('sorts new times among loaded ones', async () => {
    await review('/cities/1/reviews', { ...valid, createdAt: '2024-01-01T12:00:00.000Z' })
    expect((await get('/cities/1')).body).toMatchObject({
      reviews: [{ id: 3 }, { id: 2 }, { id: 5 }, { id: 1 }],
    })
  })

  it.each([
    { rating: 0 },
    { rating: 6 },
    { rating: 2.5 },
    { rating: '5' },
    { userId: 77 },
    { body: '' },
    { createdAt: 'soon' },
  ])('refuses %o', async (wrong) => {
    const { status, body } = await review('/cities/1/reviews', { ...valid, ...wrong })
    expect([status, body]).toEqual([400, { error: expect.stringContaining(Object.keys(wrong).join()) }])
    expect((await get('/cities/1')).body).toMatchObject({ reviews: [{ id: 3 }, { id: 2 }, { id: 1 }] })
  })

  it('rejects a body that is not JSON', async () => {
    const response = await fetch(`${server.origin}/cities/1/reviews`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{',
    })
    expect(response.status).toBe(400)
  })

  it('responds with 404 to an unknown city', async () => {
    expect((await review('/cities/99/reviews', valid)).status).toBe(404)
  })
})

describe('GET /reports', () => {
  it('counts the cities of a country by region', async () => {
    expect((await get('/reports/regions/FR')).body).toEqual({
      country: 'France',
      rows: [
        { region: 'Auvergne-Rhône-Alpes', cities: 2 },
        { region: 'Île-de-France', cities: 1 },
      ],
    })
  })

  it('rates the reviewers', async () => {
    const rows = [
      { name: 'Ada', reviews: 2, averageRating: 4 },
      { name: 'Ben', reviews: 2, averageRating: 2.5 },
    ]
    expect((await get('/reports/reviewers')).body).toEqual({ rows })
  })

  it('shows no top city if none has five reviews', async () => {
    expect((await get('/reports/top-rated')).body).toEqual({ rows: [] })
  })

  it('shows a top city once it has five reviews', async () => {
    for (const rating of [5, 5])
      await review('/cities/1/reviews', {
        userId: 1,
        rating,
        body: 'Good',
        createdAt: '2024-05-01T12:00:00.000Z',
      })
    expect((await get('/reports/top-rated')).body).toEqual({
      rows: [{ id: 1, name: 'Lyon', reviews: 5, rating: 4.4 }],
    })
  })
})

describe('errors', () => {
  it('hides internal errors from clients', async () => {
    const logged = vi.spyOn(console, 'error').mockImplementation(() => {})
    await clients.db.schema.dropTable('reviews')
    expect(await get('/reports/reviewers')).toEqual({
      status: 500,
      body: { error: 'Internal server error.' },
    })
    expect(logged).toHaveBeenCalledOnce()
    logged.mockRestore()
  })

  it('name the page that does not exist', async () => {
    expect(await get('/nowhere')).toEqual({ status: 404, body: { error: 'No such page: GET /nowhere.' } })
  })
})
