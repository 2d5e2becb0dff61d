import { request as httpRequest } from 'node:http'
import { createResponseCache, type ResponseCacheOptions, type ResponseCacheStats } from '@sluice/http'
import { onTestFinished } from 'vitest'
import { type CityTable, cityTable } from './city-table.ts'
import type { Answer, Framework, Route, Served } from './servers.ts'

/** Serves routes with the response cache until the test has finished. */
export function responseCacheOn(framework: Framework) {
  async function setUp(
    routes: (table: CityTable) => readonly Route[],
    options: Parameters<typeof cityTable>[0] = {},
  ) {
    const table = await cityTable(options)
    onTestFinished(() => table.close())
    const served: Served = await framework.serve(table.sluice, routes(table))
    onTestFinished(() => served.close())
    const stats = (): ResponseCacheStats => createResponseCache(table.sluice).getStats()
    const get = async (path: string, headers: Record<string, string> = {}, method = 'GET') => {
      const { status, headers: received, body } = await ask(`${served.url}${path}`, headers, method)
      return { status, headers: received, body: body.toString() }
    }
    return { ...table, ...served, get, stats }
  }

  /** One route that reads a city, and counts how often it ran. */
  async function oneCity(
    cache: ResponseCacheOptions | undefined = {},
    more: Partial<Answer> = {},
    options: Parameters<typeof cityTable>[0] = {},
  ) {
    let runs = 0
    const world = await setUp(
      ({ db }) => [
        {
          path: '/city',
          cache,
          answer: async () => {
            runs += 1
            const city = await db('cities').where({ id: 1 }).first()
            return { body: `${city.name} ${city.people}`, ...more }
          },
        },
      ],
      options,
    )
    return { ...world, runs: () => runs }
  }

  return { setUp, oneCity }
}

/** Unlike `fetch`, adds no headers to the given ones, such as `no-cache` to conditions. */
export function ask(url: string, headers: Record<string, string>, method: string) {
  return new Promise<{ readonly status: number; readonly headers: Headers; readonly body: Buffer }>(
    (resolve, reject) => {
      httpRequest(url, { headers, method }, (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('end', () => {
          const received = new Headers(
            Object.entries(response.headers).map(([name, value]): [string, string] => [name, String(value)]),
          )
          resolve({ status: response.statusCode ?? 0, headers: received, body: Buffer.concat(chunks) })
        })
      })
        .on('error', reject)
        .end()
    },
  )
}
