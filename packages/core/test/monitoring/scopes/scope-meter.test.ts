import { createSluice } from '@sluice/core'
import { describe, expect, it, onTestFinished } from 'vitest'
import { ScopeMeter } from '../../../src/monitoring/scopes/scope-meter.ts'
import { scopeFamilies } from '../../../src/monitoring/scopes/scope-series.ts'

function open() {
  let now = 1_000
  const recorded: [string, number][] = []
  const idle: string[] = []
  const meter = new ScopeMeter({
    meter: (metric) => ({ record: (value) => recorded.push([metric, value]) }),
    idle: (metric) => idle.push(metric),
    now: () => now,
    wall: () => 1_700_000_000_000 + now,
  })
  const request = (count: number, status: number | undefined = 200, name = 'GET /a') => {
    for (let made = 0; made < count; made += 1) meter.ended(name, 5, 2, 1, status, false)
  }
  const tick = (ms = 1_000) => {
    recorded.length = 0
    idle.length = 0
    now += ms
    meter.tick()
    return Object.fromEntries(recorded)
  }
  const samples = (name: string) =>
    (scopeFamilies(meter.series).find((family) => family.name === name)?.samples ?? []).map((sample) => [
      sample.labels,
      'value' in sample
        ? sample.value
        : 'counts' in sample
          ? sample.counts.reduce((sum, count) => sum + count, 0)
          : undefined,
    ])
  return { meter, recorded, idle, request, tick, samples }
}

const OVERFLOW = { 'otel.metric.overflow': 'true' }

describe('ScopeMeter', () => {
  it('records the duration of each request, and their number per second', () => {
    const { request, recorded, tick } = open()
    request(3)
    expect(recorded).toEqual([
      ['responseTime', 5],
      ['responseTime', 5],
      ['responseTime', 5],
    ])
    expect(tick()).toEqual({ requests: 3 })
    request(5)
    expect(tick(2_000)).toEqual({ requests: 2.5 })
    expect(tick()).toEqual({ requests: 0 })
  })

  it('leaves the requests right before a tick to the next one', () => {
    const { request, tick } = open()
    request(1)
    expect(tick(10)).toEqual({})
    request(1)
    expect(tick(990)).toEqual({ requests: 2 })
  })

  it('reports that there is nothing to measure while there are too few requests', () => {
    const { request, idle, tick } = open()
    request(20)
    tick()
    expect(idle).toEqual([])
    for (let second = 0; second < 60; second += 1) tick()
    expect(idle).toEqual(['responseTime', 'errorRate'])
    request(1)
    tick()
    expect(idle).toEqual(['errorRate'])
  })

  it('records nothing for scopes other than requests, and nothing before the first', () => {
    const { meter, recorded, tick } = open()
    meter.ended('job mail', 5, 0, 0, undefined, true)
    meter.ended('GET things', 5, 0, 0, undefined, false)
    meter.ended('get /a', 5, 0, 0, undefined, false)
    expect(recorded).toEqual([])
    expect(tick()).toEqual({})
  })

  it('records the share of failures in the last minute, from 20 requests on', () => {
    const { request, tick, meter } = open()
    request(18)
    meter.ended('GET /a', 5, 0, 0, undefined, true)
    expect(tick()).toEqual({ requests: 19 })
    request(1, 499)
    expect(tick()).toEqual({ requests: 1, errorRate: 5 })
    request(20, 500)
    expect(tick().errorRate).toBe(52.5)
    for (let second = 0; second < 57; second += 1) tick()
    expect(tick().errorRate).toBeCloseTo(2_000 / 21)
    expect(tick().errorRate).toBe(100)
    expect(tick()).toEqual({ requests: 0 })
  })

  it('ignores invalid durations', () => {
    const { meter, recorded } = open()
    meter.ended('GET /a', -1, 0, 0, 200, false)
    meter.ended('GET /a', Number.NaN, 0, 0, 200, false)
    expect(recorded).toEqual([])
    expect(meter.series).toEqual([])
  })

  it('continues when values can no longer be recorded', () => {
    const meter = new ScopeMeter({
      meter: () => {
        throw new Error('closed')
      },
      idle: () => {},
      now: () => 1,
      wall: () => 1,
    })
    meter.ended('GET /a', 5, 0, 0, 200, false)
    meter.tick()
    expect(meter.series).toHaveLength(1)
  })

  it('distinguishes requests by method, route and status', () => {
    const { meter, request, samples } = open()
    request(2)
    request(1, 503)
    request(4)
    meter.ended('GET /a', 5, 2, 1, undefined, false)
    request(3, 404, 'POST (unmatched)')
    const route = { 'http.request.method': 'GET', 'http.route': '/a' }
    expect(samples('http.server.request.duration')).toEqual([
      [{ ...route, 'http.response.status_code': '200' }, 6],
      [{ ...route, 'http.response.status_code': '503' }, 1],
      [route, 1],
      [{ 'http.request.method': 'POST', 'http.response.status_code': '404' }, 3],
    ])
    expect(samples('sluice.scope.queries')).toEqual([
      [{ 'sluice.scope.name': 'GET /a' }, 16],
      [{ 'sluice.scope.name': 'POST (unmatched)' }, 6],
    ])
    expect(samples('sluice.scope.database.time')[0]?.[1]).toBeCloseTo(0.008)
    expect(samples('sluice.scope.failures')[0]?.[1]).toBe(1)
    expect(samples('sluice.scope.duration')).toEqual([])
  })

  it('combines names above the limit', () => {
    const { meter, request, samples } = open()
    for (let at = 0; at < 299; at += 1) meter.ended(`job ${at}`, 1, 1, 0, undefined, false)
    request(1)
    request(2, 200, 'GET /b')
    request(1, 500, 'GET /c')
    meter.ended('one more', 1, 1, 0, undefined, false)
    request(1)
    expect(samples('http.server.request.duration')).toEqual([
      [expect.objectContaining({ 'http.route': '/a' }), 2],
      [OVERFLOW, 3],
    ])
    expect(samples('sluice.scope.duration')).toHaveLength(300)
    expect(samples('sluice.scope.duration').at(-1)).toEqual([OVERFLOW, 1])
    expect(samples('sluice.scope.queries').at(-1)).toEqual([OVERFLOW, 7])
  })
})

describe('scopes of a Sluice', () => {
  it('are exported by its monitor, with their work', async () => {
    const sluice = createSluice()
    onTestFinished(() => sluice.close())
    const reports: unknown[] = []
    sluice.on('scope', ({ name, failed, statusCode }) => reports.push({ name, failed, statusCode }))
    const handle = sluice.openScope('GET /a')
    handle.statusCode = 201
    handle.end()
    await expect(sluice.run(() => Promise.reject(new Error('no')), { name: 'job' })).rejects.toThrow('no')
    expect(reports).toEqual([
      { name: 'GET /a', failed: false, statusCode: 201 },
      { name: 'job', failed: true, statusCode: undefined },
    ])
    const text = (await sluice.monitor?.metricsText()) ?? ''
    expect(text).toContain(
      'http_server_request_duration_seconds_count{http_request_method="GET",http_route="/a",http_response_status_code="201"} 1\n',
    )
    expect(text).toContain('sluice_scope_failures_total{sluice_scope_name="job"} 1\n')
    expect(text).toContain('sluice_response_time_seconds_count{source="http"} 1\n')
  })

  it('end when the monitor is disabled or closed', async () => {
    const off = createSluice({ monitor: false })
    off.openScope('GET /a').end()
    await off.close()
    const closed = createSluice()
    closed.monitor?.close()
    closed.openScope('GET /a').end()
    await closed.close()
  })
})
