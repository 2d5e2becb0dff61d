// The cost of recording, exporting and collecting, compared with other libraries.
import { createHistogram } from 'node:perf_hooks'
import { MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics'
import { createSluice, MonitoringAndAutoScalingEngine } from '@sluice/core'
import { Histogram, Registry } from 'prom-client'
import {
  benchOptions,
  type Contender,
  type Figure,
  type Measured,
  measure,
  printTable,
  serveContender,
} from './harness.ts'

const { json, quick } = benchOptions()
const ROUNDS = quick ? 15 : 61
const SERIES = 500

/**
 * Typical response times in milliseconds, by a seed. Each occurs once, so that the branch predictor cannot
 * learn them.
 */
function durations(): Float64Array {
  let state = 7
  return Float64Array.from({ length: 4_096 }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return 0.5 * 4_000 ** (state / 2 ** 32)
  })
}

/** A contender that records values sequentially. */
function recording(
  name: string,
  pace: number,
  open: () => { record: (value: number) => void; close?: () => unknown },
): Contender {
  return {
    name,
    pace,
    open: async () => {
      const { record, close } = open()
      const values = durations()
      return {
        run: async (iterations) => {
          for (let at = 0; at < iterations; at += 1) record(values[at & 4_095] as number)
        },
        close: async () => void (await close?.()),
      }
    },
  }
}

const labels = { method: 'GET', route: '/cities/:id' }

const recorders: readonly Contender[] = [
  recording('prom-client Histogram, 2 labels', 1, () => {
    const histogram = new Histogram({
      name: 'h',
      help: 'h',
      labelNames: ['method', 'route'],
      registers: [new Registry()],
    })
    return { record: (value) => histogram.observe(labels, value) }
  }),
  recording('meter.record', 16, () => {
    const monitor = new MonitoringAndAutoScalingEngine()
    const meter = monitor.meter('responseTime', 'GET /cities/:id')
    return { record: (value) => meter.record(value), close: () => monitor.close() }
  }),
  recording('recordMetric', 2, () => {
    const monitor = new MonitoringAndAutoScalingEngine()
    return {
      record: (value) => void monitor.recordMetric('responseTime', value, 'GET /cities/:id'),
      close: () => monitor.close(),
    }
  }),
  recording('perf_hooks createHistogram', 4, () => {
    const histogram = createHistogram()
    // It only accepts integers.
    return { record: (value) => histogram.record(Math.ceil(value)) }
  }),
  recording('OpenTelemetry histogram, 2 labels', 1, () => {
    const exporter = {
      export: (_: unknown, done: (result: { code: number }) => void) => done({ code: 0 }),
      forceFlush: async () => {},
      shutdown: async () => {},
    }
    const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 })
    const provider = new MeterProvider({ readers: [reader] })
    const histogram = provider.getMeter('bench').createHistogram('h')
    return { record: (value) => histogram.record(value, labels), close: () => provider.shutdown() }
  }),
]

/** Scopes of requests, opened and ended like by an HTTP server. */
function scopes(name: string, monitor: false | object): Contender {
  return {
    name,
    open: async () => {
      const sluice = createSluice({ monitor })
      return {
        run: async (iterations) => {
          for (let at = 0; at < iterations; at += 1) {
            const scope = sluice.openScope(`GET /cities/${at & 63}`)
            scope.name = 'GET /cities/:id'
            scope.statusCode = 200
            scope.end()
          }
        },
        close: () => sluice.close(),
      }
    },
  }
}

function prometheusPage(): Contender {
  return {
    name: `prom-client, ${SERIES} summaries`,
    open: async () => {
      const registry = new Registry()
      const histogram = new Histogram({
        name: 'h',
        help: 'h',
        labelNames: ['source'],
        buckets: [1, 100, 1_000],
        registers: [registry],
      })
      for (let at = 0; at < SERIES; at += 1)
        for (const value of durations().subarray(0, 100)) histogram.observe({ source: `s${at}` }, value)
      return {
        run: async (iterations) => {
          for (let at = 0; at < iterations; at += 1) await registry.metrics()
        },
        close: async () => {},
      }
    },
  }
}

function page(): Contender {
  return {
    name: `metricsText, ${SERIES} series`,
    open: async () => {
      const monitor = new MonitoringAndAutoScalingEngine()
      for (let at = 0; at < SERIES; at += 1) {
        const meter = monitor.meter('responseTime', `s${at}`)
        for (const value of durations().subarray(0, 100)) meter.record(value)
      }
      return {
        run: async (iterations) => {
          for (let at = 0; at < iterations; at += 1) await monitor.metricsText()
        },
        close: async () => monitor.close(),
      }
    },
  }
}

/**
 * Runs of the collectors, which are otherwise five seconds apart: each start is one, with the cost of its
 * timers.
 */
function looks(): Contender {
  return {
    name: 'a run of the collectors',
    open: async () => {
      const monitor = new MonitoringAndAutoScalingEngine()
      return {
        run: async (iterations) => {
          for (let at = 0; at < iterations; at += 1) {
            monitor.startCollecting()
            // The disk is queried in the background.
            if (at % 16 === 15) await new Promise(setImmediate)
          }
        },
        close: async () => monitor.close(),
      }
    },
  }
}

const pages = [prometheusPage(), page()]
const others = [scopes('a scope, monitor off', false), scopes('a scope, monitor on', {})]
const contenders = [...recorders, ...pages, ...others, looks()]

function of(measured: readonly Measured[], name: string): Measured {
  const found = measured.find((one) => one.name === name)
  if (found === undefined) throw new Error(`"${name}" was not measured.`)
  return found
}

function figure(
  id: string,
  value: number,
  unit: string,
  target: number,
  against: Readonly<Record<string, number>> = {},
): Figure {
  return { area: 'monitoring', id, value, unit, target, ok: value <= target, against }
}

function print(title: string, measured: readonly Measured[], figures: readonly Figure[]): void {
  if (json) for (const one of figures) console.log(JSON.stringify(one))
  else printTable(title, measured, figures)
}

if (!(await serveContender(contenders))) {
  const recorded = await measure(recorders, ROUNDS, 20_000)
  const against = Object.fromEntries(recorded.map(({ name, cpuUs }) => [name, cpuUs]))
  print('Recording a value', recorded, [
    figure('meter.record over prom-client', of(recorded, 'meter.record').ratio, '×', 0.1, against),
    figure('recordMetric', of(recorded, 'recordMetric').cpuUs, 'µs', 1),
  ])
  const written = await measure(pages, quick ? 7 : 21, 4)
  print('A page of metrics', written, [
    figure('metricsText', (written[1] as Measured).cpuUs / 1_000, 'ms', 25),
  ])
  const ended = await measure(others, ROUNDS, 20_000)
  const [off, on] = ended as [Measured, Measured]
  print('A scope of a request', ended, [
    figure('time of the monitor per scope', on.cpuUs - off.cpuUs, 'µs', 0.5),
  ])
  const looked = await measure([looks()], quick ? 7 : 21, 64)
  print('The collectors', looked, [figure('a look', (looked[0] as Measured).cpuUs / 1_000, 'ms', 5)])
}
