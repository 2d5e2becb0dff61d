import http from 'node:http'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type AlertChange, type Clock, createSluice, MonitoringAndAutoScalingEngine } from '@sluice/core'
import { clusterTarget } from '@sluice/core/scaling-cluster'
import { describe, expect, it, onTestFinished } from 'vitest'
import { freePort } from '../services/free-port.ts'
import { databases } from '../support/databases.ts'
import { SOON, TEST_MS } from '../support/patience.ts'
import { FLAGS } from '../support/typescript-process.ts'
import type { ScalingWorkerPlan } from './scaling-worker.main.ts'

const MINUTE = 60_000
const LIMIT = 20
const STABILIZATION_SECONDS = 6

/** The forecast state before the restart: two hours with 30 requests per second. */
function learntBefore(): Readonly<Record<string, unknown>> {
  let ms = 0
  const clock: Clock = { now: () => ms, wall: () => Date.now() - 120 * MINUTE + ms }
  const monitor = new MonitoringAndAutoScalingEngine({}, { clock })
  for (; ms < 120 * MINUTE; ms += 10_000) monitor.recordMetric('requests', 30 + Math.sin(ms / MINUTE), 'app')
  monitor.predictLoad('requests', 5)
  const learnt = monitor.saveForecasts()
  monitor.close()
  return learnt
}

/** A visitor who comes once. Resolves to the process that replied. */
function visit(url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = http.get(url, { agent: false, timeout: SOON.timeout }, (response) => {
      response.resume()
      response.on('error', reject)
      response.on('end', () => {
        if (response.statusCode === 200) resolve(String(response.headers['x-pid']))
        else reject(new Error(`answered ${response.statusCode}`))
      })
    })
    request.on('timeout', () => request.destroy(new Error('no response in time')))
    request.on('error', reject)
  })
}

// The scaling does not depend on the database of the workers: one dialect is enough.
const kind =
  databases().find(({ dialect, skipped }) => dialect === 'postgresql' && skipped === undefined) ??
  databases()[0]
const { name, connect } = kind as NonNullable<typeof kind>

describe(`scaling an app on ${name}`, () => {
  it('adds and removes workers by trends, policies with cooldowns and a forecast, and records history and alerts', {
    timeout: TEST_MS,
  }, async () => {
    const database = await connect()
    onTestFinished(() => database.drop())
    await database.exec(
      "CREATE TABLE cities (id integer PRIMARY KEY, name text); INSERT INTO cities VALUES (1, 'Basel')",
    )
    const port = await freePort()
    const plan: ScalingWorkerPlan = { port, knexConfig: database.knexConfig() }
    const problems: Error[] = []
    const target = clusterTarget({
      exec: join(import.meta.dirname, 'scaling-worker.main.ts'),
      execArgv: FLAGS,
      env: { FLOW_WORKER: JSON.stringify(plan) },
      onProblem: (error) => problems.push(error),
    })
    const scaling = { target, maxWorkers: 3, intervalMs: 1_000, stabilizationSeconds: STABILIZATION_SECONDS }
    const sluice = createSluice({ monitor: { scaling, alerts: { clearMs: 3_000 } } })
    const monitor = sluice.monitor as NonNullable<typeof sluice.monitor>
    onTestFinished(async () => {
      await sluice.close()
      await target.close()
    })
    const alerts: (readonly [change: AlertChange, metric: string])[] = []
    monitor.on('alert', ({ alert, change }) => alerts.push([change, alert.metric]))
    monitor.registerMetric('requests', { unit: 'req/s', warning: LIMIT })
    monitor.restoreForecasts(learntBefore())
    // Based on restored data only, before this load was observed.
    expect(monitor.predictLoad('requests', 5)?.value).toBeCloseTo(30, -1)
    monitor.startCollecting({ intervalMs: 1_000 })
    monitor.createScalingPolicy('many requests', 'requests', LIMIT, 'up', 100, 4)
    monitor.createScalingPolicy('few requests', 'requests', 8, 'down', 50, 4)
    await target.scaleTo(1, 'the first', AbortSignal.timeout(SOON.timeout))

    const answered = new Map<string, number>()
    const failures: string[] = []
    const asking = new Set<Promise<void>>()
    /** Visitors arrive at a rate until a condition holds; the number per second is recorded. */
    const visitors = async (rate: (second: number) => number, isEnough: () => boolean) => {
      for (let second = 0; !isEnough(); second += 1) {
        const perSecond = rate(second)
        if (second > 600)
          throw new Error(`Waited for ${isEnough} in vain: ${JSON.stringify(monitor.getScalingHistory())}`)
        for (let at = 0; at < perSecond; at += 1) {
          const asked = visit(`http://127.0.0.1:${port}`).then(
            (pid) => void answered.set(pid, (answered.get(pid) ?? 0) + 1),
            (error: Error) => void failures.push(error.message),
          )
          asking.add(asked)
          asked.finally(() => asking.delete(asked))
          await sleep(1_000 / perSecond)
        }
        monitor.recordMetric('requests', perSecond, 'app')
      }
    }

    await visitors(
      () => 6,
      () => monitor.getMetricTrend('requests', MINUTE).length >= 3,
    )
    expect(monitor.getScalingHistory()).toEqual([])
    await visitors(
      (second) => Math.min(40, 8 + 2 * second),
      () => target.current() > 1 && answered.size > 1,
    )
    expect(monitor.calculateTrendAnalysis('requests', MINUTE)).toMatchObject({ trend: 'increasing' })
    const prediction = monitor.predictLoad('requests', 5)
    expect(prediction?.value).toBeGreaterThan(10)
    expect(alerts).toContainEqual(['raised', 'requests'])
    await visitors(
      () => 40,
      () => monitor.getScalingSkips().some(({ reason }) => /cooldown|cool down/i.test(reason)),
    )
    const most = target.current()
    const fellAt = Date.now()
    await visitors(
      () => 4,
      () => target.current() < most && alerts.some(([change]) => change === 'resolved'),
    )
    await Promise.all(asking)

    for (const metric of ['cpu', 'memory'])
      expect(monitor.getMetricTrend(metric, 2 * MINUTE).length, metric).toBeGreaterThan(3)
    expect(failures).toEqual([])
    expect(problems).toEqual([])
    const history = [...monitor.getScalingHistory()].reverse()
    expect(history[0]).toMatchObject({ direction: 'up', from: 1, to: 2, metric: 'requests' })
    expect(history[0]?.value).toBeGreaterThan(LIMIT)
    expect(history[0]?.reasons.join(' ')).toContain('many requests')
    expect(history.at(-1)).toMatchObject({ direction: 'down', metric: 'requests', value: 4 })
    expect(history.at(-1)?.reasons.join(' ')).toContain('few requests')
    // A step down waits until the stabilization window after the last step up has passed.
    const [up, down] = [
      history.findLast(({ direction }) => direction === 'up'),
      history.find(({ direction }) => direction === 'down'),
    ]
    expect((down?.timestamp ?? 0) - (up?.timestamp ?? 0)).toBeGreaterThanOrEqual(
      STABILIZATION_SECONDS * 1_000 - 50,
    )
    // On a busy machine the window may have passed before the load falls.
    const isWithin = fellAt + 3_000 < (up?.timestamp ?? 0) + STABILIZATION_SECONDS * 1_000
    if (isWithin)
      expect(monitor.getScalingSkips(200).map(({ reason }) => reason)).toContainEqual(
        expect.stringContaining('not down within'),
      )
    expect(monitor.getResolvedAlerts().map(({ metric }) => metric)).toContain('requests')
  })
})
