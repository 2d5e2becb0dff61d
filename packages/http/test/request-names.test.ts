import { EventEmitter } from 'node:events'
import type { ServerResponse } from 'node:http'
import { createSluice } from '@sluice/core'
import { RequestScopes } from '@sluice/http'
import { describe, expect, it } from 'vitest'
import { pathPattern, RequestNames } from '../src/request-names.ts'

describe('pathPattern', () => {
  it.each([
    ['/', '/'],
    ['/cities', '/cities'],
    ['/v1/oauth2/base64', '/v1/oauth2/base64'],
    ['/cities/7/streets/-12', '/cities/:id/streets/:id'],
    ['/days/2026-11-29', '/days/:id'],
    ['/u/3F2504E0-4F89-11D3-9A0C-0305E82C3301', '/u/:id'],
    ['/c/3f2a91bc', '/c/:id'],
    ['/c/deadbeef', '/c/deadbeef'],
    ['/o/01ARZ3NDEKTSV4RRFFQ69G5FAV', '/o/:id'],
    ['/users/ada@example.com', '/users/:id'],
    ['/search/a%20b', '/search/:id'],
    [`/t/${'x'.repeat(41)}`, '/t/:id'],
    ['/cities/7?page=2#x', '/cities/:id'],
    ['/find?q', '/find'],
    ['/a/b/c/d/e/f/g/h/i/j', '/a/b/c/d/e/f/g/h/*'],
    ['/favicon.ico', '/*'],
    ['/assets/app.3f2a.js', '/assets/*'],
    ['/assets/img/2026/a.png', '/assets/*'],
    ['/cities/:id/:page?', '/cities/:id/:page?'],
    ['/assets/*', '/assets/*'],
    ['/{*rest}', '/{*rest}'],
  ])('pathPattern(%j) is %j', (path, pattern) => {
    expect(pathPattern(path)).toBe(pattern)
  })
})

describe('RequestNames', () => {
  it('returns at most 1,000 names and one per method for all others', () => {
    const names = new RequestNames()
    const all = new Set(Array.from({ length: 1_200 }, (_, at) => names.ofRoute('GET', `/r${at}`)))
    expect([all.size, all.has('GET (other)')]).toEqual([1_001, true])
    expect(names.ofRoute('GET', '/r5')).toBe('GET /r5')
    expect(names.ofPath('POST', '/new')).toBe('POST (other)')
  })

  it('keeps the names of routes, and groups those of paths', () => {
    const names = new RequestNames()
    expect(names.of('GET /feed.xml')).toBe('GET /*')
    expect(names.of(names.ofRoute('GET', '/feed.xml'))).toBe('GET /feed.xml')
    expect(names.of('nightly report')).toBe('nightly report')
    expect(names.of(names.ofRoute('GET', undefined))).toBe('GET (unmatched)')
  })

  it('returns one name per route and method', () => {
    const names = new RequestNames()
    const get = names.ofRoute('GET', '/cities/:id')
    expect([get, names.ofRoute('POST', '/cities/:id')]).toEqual(['GET /cities/:id', 'POST /cities/:id'])
    expect(names.ofRoute('GET', '/cities/:id')).toBe(get)
  })

  it('computes the first name of a scope only if it is read before the last one is known', () => {
    const sluice = createSluice()
    const scopes = new RequestScopes(sluice, { report: false, serverTiming: false })
    const calls: string[] = []
    const open = (last?: () => string) => {
      const response = new EventEmitter() as unknown as ServerResponse
      const first = () => {
        calls.push('first')
        return 'GET /orders/7'
      }
      return { response, scope: scopes.open(response, first, last) }
    }
    const unread = open(() => 'GET /orders/:id')
    unread.response.emit('close')
    expect([unread.scope.name, calls]).toEqual(['GET /orders/:id', []])
    const read = open()
    expect([read.scope.name, read.scope.name, calls]).toEqual([
      'GET /orders/:id',
      'GET /orders/:id',
      ['first'],
    ])
    read.response.emit('close')
  })

  it('groups the names of scopes for node:http, also in metrics', async () => {
    const sluice = createSluice()
    const reports: string[] = []
    sluice.on('scope', ({ name }) => reports.push(name))
    const scopes = new RequestScopes(sluice, { report: false, serverTiming: false })
    for (const path of ['/orders/1?token=secret', '/orders/2'])
      for (const lastName of [undefined, () => `GET ${path}`]) {
        const response = Object.assign(new EventEmitter(), { headersSent: true, statusCode: 200 })
        scopes.open(response as unknown as ServerResponse, `GET ${path}`, lastName)
        response.emit('close')
      }
    expect(new Set(reports)).toEqual(new Set(['GET /orders/:id']))
    const text = await sluice.monitor?.metricsText()
    expect(text).toContain('http_route="/orders/:id"')
    expect(text).not.toMatch(/secret|orders\/[12]/)
    await sluice.close()
  })
})
