import { expect, it } from 'vitest'
import { metricTitle } from '../../src/protocol/monitor.ts'

it.each([
  ['responseTime', 'Response time'],
  ['eventLoopUtilization', 'Event loop utilization'],
  ['cpuThrottling', 'CPU throttling'],
  ['gcPause', 'GC pause'],
  ['orders.placed', 'orders.placed'],
  ['OrdersPlaced', 'OrdersPlaced'],
])('metricTitle() shows %s as %s', (metric, title) => {
  expect(metricTitle(metric)).toBe(title)
})
